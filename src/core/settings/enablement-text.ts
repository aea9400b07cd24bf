import { enablementOf, type EnablementSelector } from './ambient-enablement.ts'
import { SettingsError } from './settings-error.ts'
import { parseYaml } from './yaml.ts'

/**
 * The value of Istio's `AMBIENT_ENABLEMENT_SELECTOR`: a list, in YAML or JSON, of `{podSelector, namespaceSelector}`, where an
 * absent selector matches everything and an empty text nothing. Throws a SettingsError for what is no such list: a misspelt
 * condition must not pass for none.
 */
export function parseEnablement(text: string): readonly EnablementSelector[] {
  return enablementOf(readYaml(text) ?? [], 'ambientEnablement')
}

function readYaml(text: string): unknown {
  try {
    return parseYaml(text)
  } catch (cause) {
    const [first = ''] = cause instanceof Error ? cause.message.split('\n', 1) : []
    throw new SettingsError('ambientEnablement', `is neither YAML nor JSON: ${first}`, { cause })
  }
}
