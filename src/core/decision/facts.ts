import type { JsonObject } from '../json/value.ts'
import type { MeshSettings } from '../settings/mesh-settings.ts'
import type { Policy } from '../settings/policy.ts'
import type { Coverage } from './coverage.ts'

/** What is known of a pod's namespace. */
export interface NamespaceFacts {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

/**
 * All that the decision about one pod may depend on, from memory. Two producers: the cluster's watches (app/webhook) and
 * files and flags (app/commands).
 */
export interface Facts {
  /** the Pod as the API server sent it, unknown fields and all; its own namespace may be empty */
  readonly pod: JsonObject
  readonly namespace: NamespaceFacts
  readonly settings: MeshSettings
  readonly policy: Policy
  readonly coverage: Coverage
  readonly dryRun: boolean
  /** environment of the proxy that the webhook's URL carries (injector.md §1) */
  readonly pathEnv: Readonly<Record<string, string>>
  /**
   * kubelet versions by node name of the cluster that the request is about (injector.md §10); undefined where its nodes
   * cannot be read, and where the request is about another cluster than this one
   */
  readonly kubeletVersions: ReadonlyMap<string, string> | undefined
}
