/** Where a right holds: in the whole cluster, or in one namespace (which one, the installation says). */
export type RightScope = 'cluster' | 'sluice' | 'istio'

/** When a right is needed: `always`, by replicas that may lead, or where the CA is kept in a Secret. */
export type RightCondition = 'always' | 'leader' | 'ca-secret'

/** One right of an account, and what would not work without it. */
export interface Right {
  readonly scope: RightScope
  readonly when: RightCondition
  readonly group: string
  readonly resource: string
  readonly verbs: readonly string[]
  /** only these objects; `{suffix}` stands for `-<revision>`, or nothing for the default one */
  readonly names?: readonly string[]
  readonly why: string
}

const FOLLOW = ['list', 'watch'] as const

/**
 * Everything that the webhook's service account may do; roles and docs/rights.md are made from it, and a test on a real API
 * server takes away each verb of each row. A right to create cannot be narrowed to names.
 */
export const WEBHOOK_RIGHTS: readonly Right[] = [
  {
    scope: 'cluster',
    when: 'always',
    group: '',
    resource: 'namespaces',
    verbs: FOLLOW,
    why: 'labels and annotations of namespaces decide about their pods',
  },
  { scope: 'cluster', when: 'always', group: '', resource: 'nodes', verbs: FOLLOW, why: 'coverage' },
  {
    scope: 'cluster',
    when: 'always',
    group: 'apps',
    resource: 'daemonsets',
    verbs: FOLLOW,
    why: 'whether agent and ztunnel are installed',
  },
  {
    scope: 'cluster',
    when: 'always',
    group: 'networking.istio.io',
    resource: 'proxyconfigs',
    verbs: FOLLOW,
    why: 'they change what is injected',
  },
  {
    scope: 'cluster',
    when: 'always',
    group: 'admissionregistration.k8s.io',
    resource: 'mutatingwebhookconfigurations',
    verbs: FOLLOW,
    names: ['sluice{suffix}'],
    why: 'a missing registration and a foreign caBundle are alarms of every replica',
  },
  {
    scope: 'cluster',
    when: 'always',
    group: 'admissionregistration.k8s.io',
    resource: 'validatingwebhookconfigurations',
    verbs: FOLLOW,
    names: ['sluice-explain{suffix}'],
    why: 'the same for the warning-only entries',
  },
  {
    scope: 'istio',
    when: 'always',
    group: '',
    resource: 'configmaps',
    verbs: FOLLOW,
    names: ['istio{suffix}', 'istio-sidecar-injector{suffix}'],
    why: "istiod's settings",
  },
  {
    scope: 'sluice',
    when: 'always',
    group: '',
    resource: 'configmaps',
    verbs: FOLLOW,
    names: ['sluice-policy'],
    why: 'the policy',
  },
  {
    scope: 'sluice',
    when: 'ca-secret',
    group: '',
    resource: 'secrets',
    verbs: ['get', 'patch'],
    names: ['sluice-ca{suffix}'],
    why: 'the CA and the certificate that the replicas share',
  },
  {
    scope: 'sluice',
    when: 'ca-secret',
    group: '',
    resource: 'secrets',
    verbs: ['create'],
    why: 'whoever comes first makes it; not needed where it was made empty beforehand',
  },
  {
    scope: 'sluice',
    when: 'leader',
    group: 'coordination.k8s.io',
    resource: 'leases',
    verbs: ['get', 'update'],
    names: ['sluice-leader', 'sluice-leader-registration{suffix}'],
    why: 'one replica leads',
  },
  {
    scope: 'sluice',
    when: 'leader',
    group: 'coordination.k8s.io',
    resource: 'leases',
    verbs: ['create'],
    why: 'the first replica makes the leases',
  },
  {
    scope: 'sluice',
    when: 'leader',
    group: '',
    resource: 'configmaps',
    verbs: ['patch'],
    names: ['sluice-policy'],
    why: 'what the guard must know of the policy, in keys that CEL can read',
  },
  {
    scope: 'cluster',
    when: 'leader',
    group: '',
    resource: 'nodes',
    verbs: ['get', 'patch'],
    why: 'labels and taint of nodes; no agent may write them',
  },
  {
    scope: 'cluster',
    when: 'leader',
    group: 'admissionregistration.k8s.io',
    resource: 'mutatingwebhookconfigurations',
    verbs: ['patch'],
    names: ['sluice{suffix}'],
    why: 'caBundle, and nothing else, by server-side apply',
  },
  {
    scope: 'cluster',
    when: 'leader',
    group: 'admissionregistration.k8s.io',
    resource: 'validatingwebhookconfigurations',
    verbs: ['patch'],
    names: ['sluice-explain{suffix}'],
    why: 'the same for the warning-only entries',
  },
  {
    scope: 'cluster',
    when: 'leader',
    group: '',
    resource: 'pods',
    verbs: FOLLOW,
    why: 'what agents say by their own pods of their nodes, and of the pods there: that they are not redirected, or should be evicted',
  },
  {
    scope: 'cluster',
    when: 'leader',
    group: '',
    resource: 'pods/eviction',
    verbs: ['create'],
    why: 'evictions that agents ask for; disruption budgets hold',
  },
  {
    scope: 'cluster',
    when: 'leader',
    group: 'events.k8s.io',
    resource: 'events',
    verbs: ['create', 'get', 'patch'],
    why: 'what agents measured and each eviction is told in the namespace of its pod; the same again counts on in the same event',
  },
]

/** Everything that the agents' service account may do. RBAC knows no nodes: that an agent writes to its own alone is the fence's. */
export const AGENT_RIGHTS: readonly Right[] = [
  {
    scope: 'cluster',
    when: 'always',
    group: '',
    resource: 'pods',
    verbs: FOLLOW,
    why: 'the pods of the node, by field selector: what was promised to them, their addresses and their uid',
  },
  {
    scope: 'cluster',
    when: 'always',
    group: '',
    resource: 'namespaces',
    verbs: FOLLOW,
    why: 'labels of namespaces ask for ambient',
  },
  {
    scope: 'cluster',
    when: 'always',
    group: '',
    resource: 'pods/status',
    verbs: ['patch'],
    why: 'what was measured about the pods of the node, and whether the node can do ambient',
  },
]
