import type { IpFamily } from '../intent/address.ts'
import { printRule } from './iptables-rule.ts'
import { type Chain, type Match, type Rule, type RuleModel, rulesFor, type Table, type ChainName } from './model.ts'

/** A rule and where it stands. */
export interface LocatedRule {
  readonly family: IpFamily
  readonly table: Table
  readonly chain: ChainName
  readonly rule: Rule
}

export interface RuleDifference {
  /** wanted and not there, or there behind a rule that it must precede */
  readonly missing: readonly LocatedRule[]
  /** there and not wanted */
  readonly surplus: readonly LocatedRule[]
}

/** A rule of ours for people, in the words of iptables. */
export function ruleInWords({ family, table, chain, rule }: LocatedRule): string {
  return `IPv${family} ${table} ${chain} ${printRule(rule, family)}`
}

/**
 * Where `have` differs in meaning from `want`, for the families of `want`. Rules that no packet can both match, or that end
 * alike, may stand in any order; a jump to a chain without rules is nothing.
 */
export function compareRules(want: RuleModel, have: RuleModel): RuleDifference {
  const missing: LocatedRule[] = []
  const surplus: LocatedRule[] = []
  for (const family of want.families) {
    const [wanted, had] = [meaning(want, family), meaning(have, family)]
    for (const key of new Set([...wanted.keys(), ...had.keys()])) {
      const chain = wanted.get(key) ?? had.get(key)
      if (chain === undefined) continue
      const located = (rule: Rule): LocatedRule => ({ family, table: chain.table, chain: chain.name, rule })
      const [left, right] = differing(wanted.get(key)?.rules ?? [], had.get(key)?.rules ?? [])
      missing.push(...left.map(located))
      surplus.push(...right.map(located))
    }
  }
  return { missing, surplus }
}

/** Is there no rule that a packet could meet? */
export function meansNothing(model: RuleModel): boolean {
  return model.families.every((family) => meaning(model, family).size === 0)
}

/** The chains that packets of `family` can meet a rule in. */
function meaning(model: RuleModel, family: IpFamily): ReadonlyMap<string, Chain> {
  let chains = model.chains.map((chain) => ({ ...chain, rules: rulesFor(chain, family).map(plain) }))
  for (let before = -1; before !== chains.length;) {
    before = chains.length
    const there = new Set(chains.filter(({ rules }) => rules.length > 0).map(keyOf))
    chains = chains
      .map((chain) => ({
        ...chain,
        rules: chain.rules.filter(({ then }) => then.do !== 'jump' || there.has(`${chain.table} ${then.to}`)),
      }))
      .filter((chain) => there.has(keyOf(chain)))
  }
  return new Map(chains.map((chain) => [keyOf(chain), chain]))
}

/** What only one of two lists has; most often they are the same, which is quick to see. */
function differing(wanted: readonly Rule[], had: readonly Rule[]): readonly [readonly Rule[], readonly Rule[]] {
  if (wanted.length === 0 || had.length === 0) return [wanted, had]
  const isSame = wanted.length === had.length && wanted.every((rule, i) => textOf(rule) === textOf(had[i] ?? rule))
  return isSame ? [[], []] : apart(normalOrder(wanted), normalOrder(had))
}

function keyOf({ table, name }: Pick<Chain, 'table' | 'name'>): string {
  return `${table} ${name}`
}

/**
 * The rule without what the family already says, its fields in one order. Any address of the family is no condition: iptables
 * lists nothing for `-d 0.0.0.0/0`, which an author may well have written.
 */
function plain({ when: { source, destination, ...others }, then }: Rule): Rule {
  const when = { ...others, ...addressed('source', source), ...addressed('destination', destination) }
  return { when: Object.fromEntries(Object.entries(when).toSorted(([a], [b]) => (a < b ? -1 : 1))), then }
}

function addressed(key: 'source' | 'destination', wanted: Match['source']): Match {
  if (wanted === undefined || (!wanted.not && wanted.value.endsWith('/0'))) return {}
  return { [key]: wanted }
}

/** The smallest order that swapping neighbours can reach, where that means nothing. */
function normalOrder(rules: readonly Rule[]): readonly Rule[] {
  const left = rules.map((rule, index) => ({
    rule,
    text: textOf(rule),
    /** rules before it that must stay so */
    waitsFor: rules.slice(0, index).filter((other) => !commute(rule, other)).length,
  }))
  const out: Rule[] = []
  while (left.length > 0) {
    const free = left.filter(({ waitsFor }) => waitsFor === 0)
    const first = free.reduce((best, one) => (one.text < best.text ? one : best))
    const index = left.indexOf(first)
    for (const later of left.slice(index + 1)) if (!commute(later.rule, first.rule)) later.waitsFor--
    left.splice(index, 1)
    out.push(first.rule)
  }
  return out
}

/** Rules after which a packet meets no other one of the chain. */
const LAST = ['return', 'accept', 'drop', 'redirect']

function commute(a: Rule, b: Rule): boolean {
  const alike = LAST.includes(a.then.do) && JSON.stringify(a.then) === JSON.stringify(b.then)
  return alike || disjoint(a.when, b.when)
}

/** Can no packet match both? Only what can be seen at once counts; when in doubt, the order stays. */
function disjoint(a: Match, b: Match): boolean {
  return (
    apartIn(a.iif, b.iif) ||
    apartIn(a.oif, b.oif) ||
    apartIn(a.mark, b.mark) ||
    apartIn(a.uid, b.uid) ||
    (a.protocol !== undefined && b.protocol !== undefined && a.protocol !== b.protocol) ||
    (a.sport !== undefined && b.sport !== undefined && a.sport !== b.sport) ||
    portsApart(a.dport, b.dport)
  )
}

function apartIn<T>(a: { not: boolean; value: T } | undefined, b: { not: boolean; value: T } | undefined): boolean {
  if (a === undefined || b === undefined) return false
  const same = JSON.stringify(a.value) === JSON.stringify(b.value)
  return a.not === b.not ? !a.not && !same && typeof a.value !== 'object' : same
}

function portsApart(a: Match['dport'], b: Match['dport']): boolean {
  if (a === undefined || b === undefined) return false
  if (a.not && b.not) return false
  if (!a.not && !b.not) return !a.value.some((port) => b.value.includes(port))
  const [wanted, unwanted] = a.not ? [b.value, a.value] : [a.value, b.value]
  return wanted.every((port) => unwanted.includes(port))
}

function textOf({ when, then }: Rule): string {
  return JSON.stringify([when, then])
}

/** What is left of both lists beside a longest common part in the same order. */
function apart(left: readonly Rule[], right: readonly Rule[]): readonly [readonly Rule[], readonly Rule[]] {
  const [a, b] = [left.map(textOf), right.map(textOf)]
  const common = Array.from({ length: a.length + 1 }, () => Array<number>(b.length + 1).fill(0))
  const at = (i: number, j: number): number => common[i]?.[j] ?? 0
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--) {
      const row = common[i] ?? []
      row[j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
    }
  const onlyLeft: Rule[] = []
  const onlyRight: Rule[] = []
  for (let i = 0, j = 0; i < a.length || j < b.length;) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      i++
      j++
    } else if (j >= b.length || (i < a.length && at(i + 1, j) >= at(i, j + 1))) onlyLeft.push(...left.slice(i, ++i))
    else onlyRight.push(...right.slice(j, ++j))
  }
  return [onlyLeft, onlyRight]
}
