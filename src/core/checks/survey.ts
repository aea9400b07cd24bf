import type { NamespaceFacts } from '../decision/facts.ts'
import type { NodeFacts } from '../decision/node-set.ts'
import type { Audience } from '../decision/selectors.ts'
import type { JsonObject } from '../json/value.ts'
import type { NodeSystem } from './node-system.ts'

/** Something that was read from a cluster, or why it could not be. */
export type Known<T> = { readonly is: 'known'; readonly value: T } | { readonly is: 'unknown'; readonly why: string }

/** A right that was asked about. */
export interface Right {
  readonly verb: string
  /** as `kubectl auth can-i` takes it, for example `daemonsets.apps` */
  readonly resource: string
  readonly allowed: boolean
}

/** What the creation of a pod as a dry run showed. */
export type Probe =
  | { readonly is: 'answered'; readonly mode: string }
  | { readonly is: 'refused'; readonly message: string }
  /** the pod came back, and nobody had touched it */
  | { readonly is: 'untouched'; readonly namespace: string }
  | { readonly is: 'failed'; readonly message: string }

export type OwnComponent = 'webhook' | 'agent'

/** How the API server took one of Sluice's own pods, as a dry run. */
export interface OwnPodTrial {
  readonly component: OwnComponent
  /** where the pod will be */
  readonly namespace: string
  /** where it was tried: another namespace stands in for one that is not there yet */
  readonly triedIn: string
  /** what was said against it; undefined where it was admitted */
  readonly refusal: string | undefined
}

/** A CA of a webhook entry. */
export interface CaBundle {
  readonly entry: string
  /** when the CA that lasts longest ends, in milliseconds since 1970; undefined where there is none that can be read */
  readonly notAfter: number | undefined
}

/** All that a check reads of a cluster; each part for itself, so that one that cannot be read spoils no other. */
export interface Survey {
  /** milliseconds since 1970 */
  readonly now: number
  readonly audience: Audience
  readonly sluiceNamespace: string
  readonly istioNamespace: string
  readonly version: Known<string>
  /** plural names of the kinds of admissionregistration.k8s.io/v1 */
  readonly admissionKinds: Known<readonly string[]>
  readonly installRights: Known<readonly Right[]>
  readonly readRights: Known<readonly Right[]>
  readonly namespaces: Known<readonly NamespaceFacts[]>
  readonly nodes: Known<readonly NodeFacts[]>
  readonly nodeSystems: Known<readonly NodeSystem[]>
  /** why a configuration cannot be used, by its name: `mesh`, `policy` */
  readonly problems: Known<ReadonlyMap<string, string>>
  readonly webhooks: Known<readonly JsonObject[]>
  readonly caBundles: Known<readonly CaBundle[]>
  /** names of the ValidatingAdmissionPolicies that a binding names */
  readonly boundPolicies: Known<readonly string[]>
  readonly daemonSets: Known<readonly JsonObject[]>
  /** the ConfigMap of Cilium; undefined where there is none */
  readonly cilium: Known<Readonly<Record<string, string>> | undefined>
  /** pods of other agents that redirect */
  readonly otherAgentPods: Known<readonly JsonObject[]>
  readonly agentPods: Known<readonly JsonObject[]>
  readonly webhookPods: Known<readonly JsonObject[]>
  readonly probe: Known<Probe>
  readonly ownPods: Known<readonly OwnPodTrial[]>
}
