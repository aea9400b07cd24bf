import type { JsonObject } from '../json/value.ts'
import { isObject } from '../json/value.ts'
import type { MeshSettings } from './mesh-settings.ts'
import type { ProxyConfigResource } from './proxy-config-resource.ts'
import { SettingsError } from './settings-error.ts'
import { parseYaml } from './yaml.ts'

/** Texts as istiod's ConfigMaps or files of the same form hold them; what is absent is as in a default installation. */
export interface MeshSettingsTexts {
  /** ConfigMap `istio[-<revision>]`, key `mesh` (YAML) */
  readonly mesh?: string | undefined
  /** ConfigMap `istio-sidecar-injector[-<revision>]`, key `config` (YAML) */
  readonly config?: string | undefined
  /** the same, key `values` (JSON or YAML) */
  readonly values?: string | undefined
  /** istiod's environment REVISION */
  readonly revision?: string | undefined
  /** istiod's environment PLATFORM */
  readonly platform?: string | undefined
  /** istiod's environment ENABLE_NATIVE_SIDECARS: `auto`, `true` or `false` */
  readonly nativeSidecars?: string | undefined
  /** istiod's environment COMPLIANCE_POLICY */
  readonly compliancePolicy?: string | undefined
  readonly proxyConfigResources?: readonly ProxyConfigResource[] | undefined
}

/**
 * istiod's settings from their texts: all of them or none, so that no half of an update is ever used. Throws
 * `SettingsError` with the path of the first field that cannot be used.
 */
export function parseMeshSettings(texts: MeshSettingsTexts): MeshSettings {
  const config = document('config', texts.config)
  return {
    revision: texts.revision ?? '',
    mesh: document('mesh', texts.mesh),
    values: document('values', texts.values),
    injector: {
      policy: typeof config['policy'] === 'string' ? config['policy'] : 'enabled',
      defaultTemplates: ['sidecar'],
      aliases: {},
      neverInjectSelector: [],
      alwaysInjectSelector: [],
      injectedAnnotations: {},
      templates: {},
    },
    proxyConfigResources: texts.proxyConfigResources ?? [],
    platform: texts.platform ?? '',
    nativeSidecars: 'auto',
    compliancePolicy: texts.compliancePolicy ?? '',
  }
}

function document(name: string, text: string | undefined): JsonObject {
  if (text === undefined) return {}
  let value
  try {
    value = parseYaml(text)
  } catch (cause) {
    throw new SettingsError(name, 'is no YAML', { cause })
  }
  if (value === null) return {}
  if (!isObject(value)) throw new SettingsError(name, 'must be a map')
  return value
}
