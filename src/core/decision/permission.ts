import { matches } from '../settings/label-selector.ts'
import type { Permission, PermissionByNamespace, Policy } from '../settings/policy.ts'
import type { NamespaceFacts } from './facts.ts'

export interface Permitted {
  readonly permission: Permission
  /** the line of the policy that says so */
  readonly rule: string
}

/** What the policy's `field` says for a namespace: the first rule that matches its labels, else the default. */
export function permitted(policy: Policy, field: 'netAdmin' | 'optOut', namespace: NamespaceFacts): Permitted {
  const said: PermissionByNamespace = policy[field]
  const index = said.rules.findIndex((rule) => matches(rule.namespaceSelector, namespace.labels))
  const rule = said.rules[index]
  if (rule === undefined) return { permission: said.default, rule: `${field}.default` }
  return { permission: rule.permission, rule: `${field}.rules[${index}]` }
}
