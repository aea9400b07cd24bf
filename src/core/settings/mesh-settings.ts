import type { JsonObject } from '../json/value.ts'
import type { ProxyConfigResource } from './proxy-config-resource.ts'

/** Istio's own label selector (matchLabels, matchExpressions), as in `neverInjectSelector`. */
export type LabelSelector = JsonObject

/** The key `config` of istiod's injector ConfigMap (injector.md §4), less the built-in templates. */
export interface InjectorConfig {
  readonly policy: string
  readonly defaultTemplates: readonly string[]
  readonly aliases: Readonly<Record<string, readonly string[]>>
  readonly neverInjectSelector: readonly LabelSelector[]
  readonly alwaysInjectSelector: readonly LabelSelector[]
  readonly injectedAnnotations: Readonly<Record<string, string>>
  /** Go templates that users added, by name */
  readonly templates: Readonly<Record<string, string>>
}

/**
 * istiod's settings as the injector sees them: read as they are from istiod's two ConfigMaps or from files of the same
 * form, parsed once, never changed.
 */
export interface MeshSettings {
  /** the revision that this installation serves; `default` when empty */
  readonly revision: string
  /** the effective MeshConfig: defaults, then the `mesh` document over them, as proto-JSON */
  readonly mesh: JsonObject
  /** the key `values`, missing entries filled with the chart's defaults */
  readonly values: JsonObject
  readonly injector: InjectorConfig
  /** oldest first */
  readonly proxyConfigResources: readonly ProxyConfigResource[]
  /** istiod's environment PLATFORM */
  readonly platform: string
  readonly nativeSidecars: 'auto' | 'enabled' | 'disabled'
  /** istiod's environment COMPLIANCE_POLICY; empty for none */
  readonly compliancePolicy: string
}
