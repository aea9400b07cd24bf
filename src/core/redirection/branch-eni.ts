import { type Address, familyOf, type IpFamily } from '../intent/address.ts'
import { BRANCH_RULES } from '../vocabulary/ports.ts'
import type { ProbeMembers } from './probe-set.ts'

/** A rule of the host that picks a table by one destination, or by the device that a packet comes in by, and by nothing else. */
export interface HostRule {
  readonly family: IpFamily
  readonly priority: number
  readonly table: number
  /** who made it */
  readonly protocol: number
  readonly by:
    { readonly is: 'destination'; readonly address: string } | { readonly is: 'device'; readonly device: string }
}

/** A route to one address alone. */
export interface HostRoute {
  readonly family: IpFamily
  readonly address: string
  readonly device: string
  readonly table: number
}

export interface HostRouting {
  readonly rules: readonly HostRule[]
  readonly routes: readonly HostRoute[]
}

export interface HostRuleChanges {
  readonly put: readonly HostRule[]
  readonly drop: readonly HostRule[]
}

const TABLE = { main: 254, local: 255 } as const

/**
 * What brings the rules for pods with a network interface of their own in AWS (security groups for pods, cni.md §5.9) to what
 * `members` need. The VPC CNI sends all that comes from such a pod by the pod's table, before the host's own addresses are
 * looked at, and keeps the pod's route in that table alone. A rule like ours that another made is left and not repeated; only
 * rules with our mark ever go, whoever made them in an earlier life.
 */
export function branchChanges(there: HostRouting, members: ProbeMembers): HostRuleChanges {
  const want = [...members.keys()].flatMap((address) => rulesFor(address, there))
  const [present, wanted] = [there.rules, want].map((rules) => new Set(rules.map(keyOf)))
  return {
    put: want.filter((rule) => present?.has(keyOf(rule)) === false),
    drop: there.rules.filter((rule) => rule.protocol === BRANCH_RULES.protocol && wanted?.has(keyOf(rule)) === false),
  }
}

/** Probes find the pod by its table, and what answers them finds the host. None for a pod that has no table of its own. */
function rulesFor(address: Address, { rules, routes }: HostRouting): readonly HostRule[] {
  const family = familyOf(address)
  const ways = routes.filter((route) => route.family === family && route.address === address)
  const [found] = rules.flatMap(({ by, ...rule }) => {
    const isPods =
      by.is === 'device' &&
      rule.family === family &&
      rule.table !== TABLE.main &&
      rule.table !== TABLE.local &&
      // nothing goes before the first rule of all
      rule.priority > 0 &&
      ways.some(({ table, device }) => table === rule.table && device === by.device)
    return isPods ? [{ ...rule, by }] : []
  })
  if (found === undefined) return []
  const { protocol, priority } = BRANCH_RULES
  return [
    { family, protocol, priority: found.priority - 1, table: TABLE.local, by: found.by },
    { family, protocol, priority, table: found.table, by: { is: 'destination', address } },
  ]
}

function keyOf({ family, priority, table, by }: HostRule): string {
  return `${family} ${priority} ${table} ${by.is === 'device' ? `iif ${by.device}` : `to ${by.address}`}`
}
