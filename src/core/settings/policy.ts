import type { Family, Wish } from '../vocabulary/modes.ts'
import type { Selector } from './label-selector.ts'

export type Permission = 'allow' | 'deny'
export const POD_SECURITY_LEVELS = ['privileged', 'baseline', 'restricted'] as const
export type PodSecurityLevel = (typeof POD_SECURITY_LEVELS)[number]

/** Allowed or denied by namespace: the first rule whose selector matches the namespace's labels, else the default. */
export interface PermissionByNamespace {
  readonly default: Permission
  readonly rules: readonly { readonly namespaceSelector: Selector; readonly permission: Permission }[]
}

/** Sluice's own policy (docs/policy.md), checked: nobody downstream checks again. */
export interface Policy {
  /** the wish of a pod that has none, nor its namespace */
  readonly defaultMode: Wish
  /** which family a bare `auto` takes: the first whose DaemonSets exist */
  readonly families: readonly Family[]
  /** may an outage of one family make a pod that did not name a mode join by the other? */
  readonly crossFamily: boolean
  /** who wins where an explicit wish contradicts Istio's labels */
  readonly contradiction: 'wish' | 'labels'
  readonly netAdmin: PermissionByNamespace
  readonly optOut: PermissionByNamespace
  readonly onImpossible: 'deny' | 'admit'
  /** share of the nodes that may get the pod which must be able to do a mode */
  readonly minCovered: number
  readonly coverageGraceSeconds: number
  readonly maxStaleSeconds: number
  /** nodes join the cluster with Sluice's taint, so that a node that does not exist yet cannot run a pod unredirected */
  readonly bornTainted: boolean
  readonly taint: {
    readonly enabled: boolean
    readonly key: string
    readonly effect: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute'
  }
  readonly podSecurity: {
    /** level of a namespace without the label `pod-security.kubernetes.io/enforce` */
    readonly defaultLevel: PodSecurityLevel
    readonly exemptNamespaces: readonly string[]
    readonly exemptRuntimeClasses: readonly string[]
  }
}

/** What holds where the policy says nothing. */
export const DEFAULT_POLICY: Policy = {
  defaultMode: 'auto',
  families: ['ambient', 'sidecar'],
  crossFamily: false,
  contradiction: 'wish',
  netAdmin: { default: 'allow', rules: [] },
  optOut: { default: 'allow', rules: [] },
  onImpossible: 'deny',
  minCovered: 0.9,
  coverageGraceSeconds: 600,
  maxStaleSeconds: 1800,
  bornTainted: false,
  taint: { enabled: true, key: 'sluice-mesh.io/not-ready', effect: 'NoSchedule' },
  podSecurity: { defaultLevel: 'privileged', exemptNamespaces: [], exemptRuntimeClasses: [] },
}
