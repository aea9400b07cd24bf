import type { Json, JsonObject } from '../json/value.ts'
import { isObject } from '../json/value.ts'
import { parseInjectorConfig } from './injector-config.ts'
import { parseInjectorValues, withDefaults } from './injector-values.ts'
import { mergeMeshConfig, readMeshFields } from './mesh-config.ts'
import type { MeshSettings, NativeSidecarSetting } from './mesh-settings.ts'
import type { ProxyConfigResource } from './proxy-config-resource.ts'
import { nameOf } from './reader.ts'
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
  const mesh = mergeMeshConfig(document('mesh', texts.mesh) ?? {})
  const given = document('values', texts.values) ?? {}
  const injectorValues = parseInjectorValues(given)
  return {
    revision: texts.revision ?? '',
    mesh,
    meshFields: readMeshFields(mesh),
    values: withDefaults(given, injectorValues),
    injectorValues,
    injector: parseInjectorConfig(document('config', texts.config), injectorValues),
    proxyConfigResources: texts.proxyConfigResources ?? [],
    platform: texts.platform ?? '',
    nativeSidecars: nativeSidecarSetting(texts.nativeSidecars ?? 'auto'),
    compliancePolicy: texts.compliancePolicy ?? '',
  }
}

/** istiod takes any other text for off. */
function nativeSidecarSetting(text: string): NativeSidecarSetting {
  if (text === 'auto') return 'auto'
  return text === 'true' ? 'enabled' : 'disabled'
}

/** The map that `text` holds; undefined where there is no text or an empty one. */
function document(name: string, text: string | undefined): JsonObject | undefined {
  if (text === undefined) return undefined
  let value: Json
  try {
    value = parseYaml(text)
  } catch (cause) {
    throw new SettingsError(name, `is neither YAML nor JSON: ${problemOf(cause)}`, { cause })
  }
  if (value === null) return undefined
  if (!isObject(value)) throw new SettingsError(name, `must be a map, not ${nameOf(value)}`)
  return value
}

/** The first line of the parser's message: the others draw the place. */
function problemOf(cause: unknown): string {
  return cause instanceof Error ? (cause.message.split('\n', 1)[0] ?? '').replace(/:$/, '') : String(cause)
}
