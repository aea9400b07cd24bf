import type { JsonObject } from '../json/value.ts'
import { DEFAULT_PROXY_CONFIG, mergeProxyConfig, parseProxyConfig } from '../settings/proxy-config.ts'
import { problemsOfProxyConfig } from '../settings/proxy-config-rules.ts'
import { SettingsError } from '../settings/settings-error.ts'
import type { AnnotationName } from '../vocabulary/annotations.ts'
import { ANNOTATIONS } from '../vocabulary/annotations.ts'
import { GRAMMARS } from '../vocabulary/grammars.ts'
import { oneLine } from '../vocabulary/one-line.ts'
import type { Step } from './draft.ts'
import { annotation } from './pod-parts.ts'
import { InjectionRefusal } from './refusal.ts'

/** A message must stay readable whatever a pod's author writes. */
const VALUE_SHOWN = 300

const CHECKED = (Object.keys(ANNOTATIONS) as AnnotationName[])
  .filter((name) => ANNOTATIONS[name].otherwise === 'refused')
  .toSorted()

/**
 * Refuses a pod whose annotations cannot be used, naming each with its value and what is allowed: all at once, sorted
 * (quirk 38), before anything else is done.
 */
export const VALIDATE_ANNOTATIONS: Step = {
  name: 'validate-annotations',
  follows: 'injector.md §6, §7 step 4',
  apply(draft) {
    const problems = problemsOfAnnotations(draft.original)
    if (problems.length > 0) {
      throw new InjectionRefusal({ code: 'annotation_invalid', args: { problems: problems.join('; ') } })
    }
    return draft
  },
}

/** What is wrong with the annotations of `pod`, sorted by name: each with its value and what is allowed. */
export function problemsOfAnnotations(pod: JsonObject): readonly string[] {
  return CHECKED.flatMap((name) => problemOf(pod, name) ?? [])
}

function problemOf(pod: JsonObject, name: AnnotationName): string | undefined {
  const value = annotation(pod, name)
  if (value === undefined) return undefined
  const { grammar } = ANNOTATIONS[name]
  const what = grammar === 'proxyConfig' ? problemOfProxyConfig(value) : undefined
  if (what === undefined && GRAMMARS[grammar].accepts(value)) return undefined
  return `${name} is "${shown(value)}" but must be ${GRAMMARS[grammar].allows}${what === undefined ? '' : `: ${what}`}`
}

function problemOfProxyConfig(value: string): string | undefined {
  try {
    const problems = problemsOfProxyConfig(mergeProxyConfig(DEFAULT_PROXY_CONFIG, parseProxyConfig(value).message))
    return problems.length === 0 ? undefined : problems.join(', ')
  } catch (error) {
    if (error instanceof SettingsError) return error.message.replace(/^: /, 'it ')
    throw error
  }
}

/** As written, for people look for it; but on one line and not without end. */
function shown(value: string): string {
  const line = oneLine(value)
  return line.length > VALUE_SHOWN ? `${line.slice(0, VALUE_SHOWN)}…` : line
}
