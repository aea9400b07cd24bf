import { type Address, type Cidr, familyOf, type IpFamily } from '../intent/address.ts'
import type { Group, Id, Interface, Mark, Port } from '../intent/grammar.ts'

/**
 * Rules as data: what two backends print and read back. Every value in here was made by a grammar of core/intent, so no text
 * of a pod's author reaches a rule. Chains bear the names of iptables; the nftables backend has a table of its own names.
 */
export interface RuleModel {
  /** whose rules: it decides the names of nftables' tables */
  readonly owner: 'sidecar' | 'ambient'
  /** IPv6 only where the pod has it */
  readonly families: readonly IpFamily[]
  readonly chains: readonly Chain[]
}

export const TABLES = ['mangle', 'nat', 'raw'] as const
export type Table = (typeof TABLES)[number]

/** The kernel's chains that rules hang on. */
export const HOOKS = ['PREROUTING', 'OUTPUT', 'POSTROUTING'] as const
export type Hook = (typeof HOOKS)[number]

export const OWN_CHAINS = [
  'ISTIO_INBOUND',
  'ISTIO_OUTPUT',
  'ISTIO_OUTPUT_DNS',
  'ISTIO_REDIRECT',
  'ISTIO_IN_REDIRECT',
  'ISTIO_DIVERT',
  'ISTIO_TPROXY',
  'ISTIO_DROP',
  'ISTIO_PRERT',
  'ISTIO_POSTRT',
] as const
export type OwnChain = (typeof OWN_CHAINS)[number]
export type ChainName = Hook | OwnChain

/** A chain of one table with its rules in the order in which packets meet them. */
export interface Chain {
  readonly table: Table
  readonly name: ChainName
  readonly rules: readonly Rule[]
}

/** One rule; `family` absent: packets of both. */
export interface Rule {
  readonly family?: IpFamily | undefined
  readonly when: Match
  readonly then: Action
}

/** A value that a packet must have, or must not. */
export interface Wanted<T> {
  readonly not: boolean
  readonly value: T
}

/** Some bits of a packet mark. */
export interface MarkBits {
  readonly value: number
  readonly mask: number
}

/** All of these must hold; their order means nothing. */
export interface Match {
  readonly iif?: Wanted<Interface>
  readonly oif?: Wanted<Interface>
  readonly protocol?: 'tcp' | 'udp'
  readonly source?: Wanted<Cidr>
  readonly destination?: Wanted<Cidr>
  /** destination in the named set of addresses */
  readonly set?: string
  readonly sport?: Port
  /** one of these ports, or none of them */
  readonly dport?: Wanted<readonly Port[]>
  readonly uid?: Wanted<Id>
  readonly gids?: readonly Wanted<Group>[]
  /** the packet was made by a local socket */
  readonly socket?: true
  readonly mark?: Wanted<MarkBits>
  readonly connmark?: Wanted<MarkBits>
  /** of conntrack, sorted */
  readonly states?: readonly string[]
}

export type Action =
  | { readonly do: 'return' | 'accept' | 'drop' }
  | { readonly do: 'jump'; readonly to: OwnChain }
  | { readonly do: 'redirect'; readonly port: Port }
  /** to the proxy's socket, the addresses unchanged; the mark routes the packet to it */
  | { readonly do: 'tproxy'; readonly port: Port; readonly mark: Mark }
  | { readonly do: 'mark'; readonly value: number }
  /** the connection's mark := the packet's */
  | { readonly do: 'save-mark' }
  /** the packet's mark := the connection's */
  | { readonly do: 'restore-mark' }
  | { readonly do: 'connmark'; readonly bits: MarkBits }
  | { readonly do: 'zone'; readonly zone: number }
  | { readonly do: 'snat'; readonly to: Address }
  /** of somebody else, or of a version that we do not know: only ever read, never rendered */
  | { readonly do: 'foreign'; readonly text: string }

/** The whole of a mark. */
export const ALL_BITS = 0xffffffff

export const is = <T>(value: T): Wanted<T> => ({ not: false, value })
export const isNot = <T>(value: T): Wanted<T> => ({ not: true, value })
export const wholeMark = (value: number): MarkBits => ({ value, mask: ALL_BITS })

/** A rule; its family is that of the addresses in it, unless it is said. */
export function rule(when: Match, then: Action, family?: IpFamily): Rule {
  const address = when.source?.value ?? when.destination?.value
  const implied = address === undefined ? family : familyOf(address)
  return implied === undefined ? { when, then } : { family: implied, when, then }
}

/** Collects rules chain by chain; a chain that is jumped to is there, even without a rule. */
export class ChainList {
  readonly #chains = new Map<string, { readonly table: Table; readonly name: ChainName; readonly rules: Rule[] }>()

  append(table: Table, name: ChainName, ...rules: readonly Rule[]): void {
    if (rules.length > 0) this.#rules(table, name).push(...rules)
    for (const { then } of rules) if (then.do === 'jump') this.#rules(table, then.to)
  }

  /** Before the rules that are there. */
  prepend(table: Table, name: ChainName, ...rules: readonly Rule[]): void {
    if (rules.length > 0) this.#rules(table, name).unshift(...rules)
    for (const { then } of rules) if (then.do === 'jump') this.#rules(table, then.to)
  }

  chains(): readonly Chain[] {
    return [...this.#chains.values()]
  }

  #rules(table: Table, name: ChainName): Rule[] {
    const key = `${table} ${name}`
    const known = this.#chains.get(key) ?? { table, name, rules: [] }
    this.#chains.set(key, known)
    return known.rules
  }
}

/** Is it a chain of the kernel's, which others use as well? */
export function isHook(name: ChainName): name is Hook {
  return (HOOKS as readonly string[]).includes(name)
}

/** The rules of `chain` that packets of `family` meet. */
export function rulesFor(chain: Chain, family: IpFamily): readonly Rule[] {
  return chain.rules.filter((each) => each.family === undefined || each.family === family)
}
