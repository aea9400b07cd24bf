import type { Static } from 'typebox'
import { Type } from 'typebox'
import { FAMILIES, WISHES } from '../vocabulary/modes.ts'
import { POD_SECURITY_LEVELS } from '../vocabulary/pod-security-levels.ts'

/** Hours, minutes and seconds in this order, as in `1h30m`; none of them is a text that is too short. */
export const DURATION = /^(?:(\d{1,4})h)?(?:(\d{1,5})m)?(?:(\d{1,7})s)?$/
const LABEL_KEY = /^(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?\/)?[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/
const OBJECT_NAME = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/

/** Every field has a description and a default; `allowed` says in words what a pattern allows, `unit` what a number counts. */
interface Field<T> {
  readonly default: T
  readonly description: string
}

const CLOSED = { additionalProperties: false } as const
const PERMISSIONS = ['allow', 'deny'] as const

function duration(field: Field<string>) {
  return Type.String({
    ...field,
    minLength: 2,
    pattern: DURATION.source,
    allowed: 'a duration such as 90s, 10m or 1h30m',
  })
}

function names(description: string) {
  const one = Type.String({
    pattern: OBJECT_NAME.source,
    allowed: 'a name of lower-case letters, digits, dots and dashes',
  })
  return Type.Array(one, { default: [], uniqueItems: true, description })
}

/** Closed, too: a misspelt matchLabels must not select everything. */
function labelSelector(description: string) {
  return Type.Object(
    { matchLabels: Type.Optional(Type.Unknown()), matchExpressions: Type.Optional(Type.Unknown()) },
    { ...CLOSED, description },
  )
}

/** Allowed or denied by namespace. */
function permission(what: string, otherwise: (typeof PERMISSIONS)[number]) {
  const rule = Type.Object(
    {
      namespaceSelector: labelSelector(
        'a Kubernetes label selector on the labels of the namespace; {} selects every namespace',
      ),
      permission: Type.Enum(PERMISSIONS, { description: 'what holds where the selector matches' }),
    },
    CLOSED,
  )
  return Type.Object(
    {
      default: Type.Enum(PERMISSIONS, { default: otherwise, description: `${what} where no rule matches` }),
      rules: Type.Array(rule, {
        default: [],
        description: 'the first rule whose selector matches the namespace counts',
      }),
    },
    { ...CLOSED, default: {}, description: `${what}, by namespace` },
  )
}

/**
 * The policy as people write it (ConfigMap of Sluice, key `policy`): the one place for fields, defaults, units and what
 * they mean. docs/policy.md and the chart's values are made from it.
 */
export const POLICY_SCHEMA = Type.Object(
  {
    defaultMode: Type.Enum(WISHES, {
      default: 'auto',
      description: 'the wish of a pod that has no label sluice-mesh.io/mode, nor its namespace',
    }),
    families: Type.Array(Type.Enum(FAMILIES), {
      default: ['ambient', 'sidecar'],
      minItems: 1,
      uniqueItems: true,
      description:
        'the family of a pod for which nothing asks for one: the first whose DaemonSets exist in the cluster',
    }),
    crossFamily: Type.Boolean({
      default: false,
      description: 'may a pod that named no mode join by the other family while its own is not possible?',
    }),
    contradiction: Type.Enum(['wish', 'labels'] as const, {
      default: 'wish',
      description:
        "who wins where the label sluice-mesh.io/mode contradicts Istio's labels; a warning is given in any case",
    }),
    netAdmin: permission('NET_ADMIN for containers that Sluice adds', 'allow'),
    optOut: permission('pods that opt out of the mesh by a label or annotation of their own', 'allow'),
    ambientEnablement: Type.Array(
      Type.Object(
        {
          podSelector: Type.Optional(labelSelector('a Kubernetes label selector on the labels of the pod')),
          namespaceSelector: Type.Optional(labelSelector('one on the labels of its namespace, which must hold, too')),
        },
        CLOSED,
      ),
      {
        default: [],
        description:
          "who is for ambient: any of these pairs, as Istio's AMBIENT_ENABLEMENT_SELECTOR; empty: as in Istio's chart, by the label istio.io/dataplane-mode. Agents are told the same by --ambient-enablement, and the chart tells both",
      },
    ),
    readinessGate: names(
      'namespaces whose ambient pods become Ready only once it was measured that their traffic is redirected; while the agent of a node is away, pods that start there stay not Ready',
    ),
    onImpossible: Type.Enum(['deny', 'admit'] as const, {
      default: 'deny',
      description:
        'what becomes of a pod for which no mode is allowed and possible: it is refused, or admitted outside the mesh with a warning; a mode that was asked for is refused in any case',
    }),
    minCovered: Type.Number({
      default: 0.9,
      minimum: 0,
      maximum: 1,
      unit: 'share of the nodes',
      description: 'a mode is possible while at least this share of the nodes that could run the pod support it',
    }),
    coverageGrace: duration({
      default: '10m',
      description:
        'how long a node keeps counting as able after its agent stopped being so: a restart changes no decision',
    }),
    maxStale: duration({
      default: '30m',
      description: 'NET_ADMIN is not granted on facts about the cluster that are older',
    }),
    bornTainted: Type.Boolean({
      default: false,
      description:
        "nodes join the cluster with Sluice's taint, so that ambient is safe for pods whose first node does not exist yet",
    }),
    taint: Type.Object(
      {
        enabled: Type.Boolean({
          default: true,
          description: 'does the leader keep the taint on nodes that cannot redirect?',
        }),
        key: Type.String({
          default: 'sluice-mesh.io/not-ready',
          pattern: LABEL_KEY.source,
          allowed: 'a taint key: [prefix/]name of letters, digits, dots, dashes and underscores',
          description: 'key of the taint; another one where the platform knows only its own',
        }),
        effect: Type.Enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute'] as const, {
          default: 'NoSchedule',
          description: 'effect of the taint',
        }),
        maxShare: Type.Number({
          default: 0.5,
          minimum: 0,
          maximum: 1,
          unit: 'share of the nodes',
          description:
            'the leader puts the taint on no more than this share of the nodes that can have an agent, though on one where there are several: a bad version of the agent must not stop a cluster; the only node gets it with 1 alone',
        }),
      },
      { ...CLOSED, default: {}, description: 'the taint of nodes that cannot redirect' },
    ),
    repair: Type.Object(
      {
        evict: Type.Boolean({
          default: true,
          description:
            'may the agent of a node ask for the eviction of a pod that it cannot redirect? Disruption budgets are kept',
        }),
        evictionsPerMinute: Type.Number({
          default: 10,
          minimum: 0,
          maximum: 600,
          unit: 'evictions',
          description:
            'so many evictions a minute in the whole cluster; others wait, and nodes take turns. One budget for all: what makes agents ask, a bad version or a rule of others, is often on every node at once, and a share for each would grow with the cluster',
        }),
      },
      {
        ...CLOSED,
        default: {},
        description: 'what becomes of pods that run without the redirection they were promised',
      },
    ),
    podSecurity: Type.Object(
      {
        defaultLevel: Type.Enum(POD_SECURITY_LEVELS, {
          default: 'privileged',
          description: 'the level that a namespace without the label pod-security.kubernetes.io/enforce enforces',
        }),
        exemptNamespaces: names('namespaces that Pod Security does not look at'),
        exemptRuntimeClasses: names('runtime classes whose pods Pod Security does not look at'),
      },
      {
        ...CLOSED,
        default: {},
        description:
          "the API server's own settings of Pod Security admission, which no API tells: say here what its file says",
      },
    ),
  },
  CLOSED,
)

/** A policy document with every default filled in. */
export type PolicyDocument = Static<typeof POLICY_SCHEMA>
