import type { JsonObject } from '../json/value.ts'
import type { Right, RightCondition, RightScope } from '../vocabulary/rights.ts'

/** Which installation the roles are for. */
export interface RolesFor {
  /** of every object that is made; bound to the service account `account.name` */
  readonly name: string
  readonly account: { readonly namespace: string; readonly name: string }
  readonly namespaces: Readonly<Record<Exclude<RightScope, 'cluster'>, string>>
  /** `-<revision>`, or nothing for the default one */
  readonly suffix: string
  readonly conditions: readonly RightCondition[]
}

/** The roles and bindings that give an account its `rights`, and no others: one for the cluster, one for each namespace. */
export function rolesOf(rights: readonly Right[], roles: RolesFor): readonly JsonObject[] {
  const needed = rights.filter(({ when }) => roles.conditions.includes(when))
  const cluster = needed.filter(({ scope }) => scope === 'cluster')
  const spaces = Map.groupBy(
    needed.flatMap((right) => (right.scope === 'cluster' ? [] : [{ right, namespace: roles.namespaces[right.scope] }])),
    ({ namespace }) => namespace,
  )
  return [
    ...pair(cluster, roles, undefined),
    ...[...spaces].flatMap(([namespace, found]) =>
      pair(
        found.map(({ right }) => right),
        roles,
        namespace,
      ),
    ),
  ]
}

function pair(
  rights: readonly Right[],
  { name, account, suffix }: RolesFor,
  namespace: string | undefined,
): readonly JsonObject[] {
  if (rights.length === 0) return []
  const metadata = namespace === undefined ? { name } : { name, namespace }
  const kind = namespace === undefined ? 'ClusterRole' : 'Role'
  const apiGroup = 'rbac.authorization.k8s.io'
  return [
    { apiVersion: `${apiGroup}/v1`, kind, metadata, rules: rights.map((right) => ruleOf(right, suffix)) },
    {
      apiVersion: `${apiGroup}/v1`,
      kind: `${kind}Binding`,
      metadata,
      roleRef: { apiGroup, kind, name },
      subjects: [{ kind: 'ServiceAccount', ...account }],
    },
  ]
}

function ruleOf({ group, resource, verbs, names }: Right, suffix: string): JsonObject {
  return {
    apiGroups: [group],
    resources: [resource],
    verbs: [...verbs],
    ...(names === undefined ? {} : { resourceNames: names.map((name) => name.replace('{suffix}', suffix)) }),
  }
}
