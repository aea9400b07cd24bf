import type { NamespaceFacts } from '../decision/facts.ts'
import type { JsonObject } from '../json/value.ts'
import type { MeshSettings } from '../settings/mesh-settings.ts'
import type { SidecarMode } from '../vocabulary/modes.ts'
import type { Reason } from '../vocabulary/reasons.ts'
import type { Workload } from './workload.ts'

/** What the injection of one pod depends on besides the pod; nothing here changes on the way. */
export interface InjectionContext {
  readonly settings: MeshSettings
  readonly mode: SidecarMode
  readonly namespace: NamespaceFacts
  /** the pod's namespace, or that of the request where the pod names none */
  readonly podNamespace: string
  /** ISTIO_META_… that the webhook's URL carries (injector.md §1) */
  readonly pathEnv: Readonly<Record<string, string>>
  /** what the setting and the nodes' versions give for this pod, before its own annotation is read (injector.md §10) */
  readonly nativeSidecars: boolean
  /** the namespace enforces Pod Security `restricted`: injected containers carry seccomp RuntimeDefault (quirk 5) */
  readonly seccompDefault: boolean
  /** offline: the document around the pod template (injector.md §18); undefined: found from the pod itself (§14) */
  readonly workload: Workload | undefined
}

/** The pod on its way through the steps; each step makes a new one. */
export interface Draft {
  /** the pod as it came: never changes */
  readonly original: JsonObject
  /** the pod as far as it has come */
  readonly pod: JsonObject
  /** what the templates said so far, merged onto an empty pod: names of containers and volumes for the status */
  readonly said: JsonObject
  /** the effective ProxyConfig of this pod, as proto-JSON (injector.md §5) */
  readonly proxyConfig: JsonObject
  /** is the proxy a native sidecar? */
  readonly native: boolean
  readonly warnings: readonly Reason[]
}

/** One concern of the injection. Throws `InjectionRefusal` where the pod cannot be injected. */
export interface Step {
  readonly name: string
  /** which part of Istio's behaviour or which promise this is */
  readonly follows: string
  readonly apply: (draft: Draft, context: InjectionContext) => Draft
}

/** What injection gives: the new pod, or the reason why not. */
export type Injection =
  | { readonly is: 'injected'; readonly pod: JsonObject; readonly warnings: readonly Reason[] }
  | { readonly is: 'refused'; readonly reason: Reason }
