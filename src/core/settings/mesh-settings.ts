import type { JsonObject } from '../json/value.ts'
import type { InjectorConfig } from './injector-config.ts'
import type { InjectorValues } from './injector-values.ts'
import type { MeshFields } from './mesh-config.ts'
import type { ProxyConfigResource } from './proxy-config-resource.ts'

export const NATIVE_SIDECAR_SETTINGS = ['auto', 'enabled', 'disabled'] as const
export type NativeSidecarSetting = (typeof NATIVE_SIDECAR_SETTINGS)[number]

/**
 * istiod's settings as the injector sees them: read as they are from istiod's two ConfigMaps or from files of the same
 * form, parsed once, never changed.
 */
export interface MeshSettings {
  /** the revision that this installation serves; may be empty, which is `default` */
  readonly revision: string
  /** the effective MeshConfig: defaults, then the `mesh` document over them, as proto-JSON */
  readonly mesh: JsonObject
  /** what of `mesh` injection reads, typed */
  readonly meshFields: MeshFields
  /** the key `values`, missing entries filled with the chart's defaults: what users' own templates see */
  readonly values: JsonObject
  /** what of `values` injection reads, typed */
  readonly injectorValues: InjectorValues
  readonly injector: InjectorConfig
  /** oldest first */
  readonly proxyConfigResources: readonly ProxyConfigResource[]
  /** istiod's environment PLATFORM */
  readonly platform: string
  readonly nativeSidecars: NativeSidecarSetting
  /** istiod's environment COMPLIANCE_POLICY; empty for none */
  readonly compliancePolicy: string
}
