import type { JsonObject } from '../json/value.ts'

/** A `networking.istio.io` ProxyConfig of the cluster, as far as injection needs it (injector.md §5). */
export interface ProxyConfigResource {
  readonly namespace: string
  /** `spec.selector.matchLabels`; undefined where the resource has no selector */
  readonly matchLabels: Readonly<Record<string, string>> | undefined
  /** `spec`, as proto-JSON */
  readonly spec: JsonObject
}
