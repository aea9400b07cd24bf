import type { IpFamily } from '../intent/address.ts'
import { TPROXY } from '../vocabulary/ports.ts'
import type { Backend, Script } from './backend.ts'
import { parseRule, printRule } from './iptables-rule.ts'
import {
  ChainList,
  type ChainName,
  HOOKS,
  isHook,
  OWN_CHAINS,
  type Rule,
  type RuleModel,
  rulesFor,
  type Table,
  TABLES,
} from './model.ts'

type IptablesScript = Extract<Script, { of: 'iptables' }>

/** What every version of Istio and of Sluice calls its chains. */
const OWN_PREFIX = 'ISTIO_'

/** The text of one table, line by line. */
type Section = readonly string[]
type Sections = ReadonlyMap<string, Section>

const FAMILIES = [4, 6] as const
const KEY: Readonly<Record<IpFamily, 'v4' | 'v6'>> = { 4: 'v4', 6: 'v6' }

/** Rules for `iptables-restore --noflush` and `ip6tables-restore --noflush`; chains and matches are Istio's. */
export const IPTABLES: Backend<IptablesScript> = {
  name: 'iptables',
  render: (want) => perFamily((family) => (want.families.includes(family) ? joined(additions(want, family)) : null)),
  replace: (want, dump) =>
    perFamily((family) => {
      const added = want.families.includes(family) ? additions(want, family) : new Map<string, Section>()
      return joined(removals(dump[KEY[family]], family), added)
    }),
  retract: (made) => perFamily((family) => (made.families.includes(family) ? joined(retractions(made, family)) : null)),
  remove: (dump) => perFamily((family) => joined(removals(dump[KEY[family]], family))),
  observe: (dump, owner) => ({
    owner,
    families: FAMILIES.filter((family) => dump[KEY[family]] !== null),
    chains: observed(dump).chains(),
  }),
}

function perFamily(make: (family: IpFamily) => string | null): IptablesScript {
  return { of: 'iptables', v4: make(4), v6: make(6) }
}

/** The sections in the order of their tables; null where there is nothing to do. */
function joined(...parts: readonly Sections[]): string | null {
  const tables = new Set(parts.flatMap((part) => [...part.keys()]))
  const text = [...tables].toSorted().map((table) => {
    const lines = parts.flatMap((part) => part.get(table) ?? [])
    return lines.length === 0 ? '' : `*${table}\n${lines.map((line) => `${line}\n`).join('')}COMMIT\n`
  })
  return text.join('') === '' ? null : text.join('')
}

function additions(want: RuleModel, family: IpFamily): Sections {
  return new Map(TABLES.map((table) => [table, tableAdditions(want, table, family)]))
}

/** First what leads to our chains, then what is in them, since one leads to another. */
function retractions(made: RuleModel, family: IpFamily): Sections {
  return new Map(
    TABLES.map((table) => {
      const chains = chainsIn(made, table, family)
      const own = chains.filter(({ name }) => !isHook(name))
      const hooked = chains.filter(({ name }) => isHook(name))
      return [
        table,
        [
          ...hooked.flatMap(({ name, rules }) => rules.map((rule) => `-D ${name} ${printRule(rule, family)}`)),
          ...own.map(({ name }) => `-F ${name}`),
          ...own.map(({ name }) => `-X ${name}`),
        ],
      ]
    }),
  )
}

function tableAdditions(want: RuleModel, table: Table, family: IpFamily): Section {
  const chains = chainsIn(want, table, family)
  return [
    ...chains.flatMap(({ name }) => (isHook(name) ? [] : [`-N ${name}`])),
    ...chains.flatMap(({ name, rules }) => rules.map((rule) => `${place(name)} ${printRule(rule, family)}`)),
  ]
}

/** The chains of `want` that something of the family is in, or leads to. */
function chainsIn(
  want: RuleModel,
  table: Table,
  family: IpFamily,
): readonly { readonly name: ChainName; readonly rules: readonly Rule[] }[] {
  const inTable = want.chains
    .filter((chain) => chain.table === table)
    .map((chain) => ({ name: chain.name, rules: rulesFor(chain, family) }))
  const jumpedTo = inTable.flatMap(({ rules }) => rules.map(({ then }) => (then.do === 'jump' ? then.to : null)))
  return inTable.filter(({ name, rules }) => rules.length > 0 || jumpedTo.some((to) => to === name))
}

/** On the host others translate addresses too: ours is the first to see a probe. */
function place(chain: ChainName): string {
  return chain === 'POSTROUTING' ? `-I ${chain} 1` : `-A ${chain}`
}

/**
 * What takes our rules away: jumps to our chains wherever they stand, the rules that we put on the kernel's chains themselves,
 * and the chains, by their prefix, so that those of other versions and settings go as well (quirk 31).
 */
function removals(dump: string | null, family: IpFamily): Sections {
  const tables = new Map<string, Section>()
  for (const [table, lines] of sectionsOf(dump ?? '')) {
    const chains = lines.flatMap((line) => /^(?::|-N )(ISTIO_[A-Za-z0-9_-]+)/.exec(line)?.[1] ?? [])
    const rules = lines.flatMap((line) => {
      const [, chain = '', text = ''] = /^-A (\S+) (.*)$/.exec(line) ?? []
      return chain === '' || chain.startsWith(OWN_PREFIX) || !isOurs(text, family) ? [] : [`-D ${chain} ${text}`]
    })
    const ours = [...rules, ...chains.map((name) => `-F ${name}`), ...chains.map((name) => `-X ${name}`)]
    // without a chain of ours in the table, a rule that looks like ours is somebody else's
    if (chains.length > 0) tables.set(table, ours)
  }
  return tables
}

function isOurs(text: string, family: IpFamily): boolean {
  // a comment may say anything
  const bare = text.replace(/"(?:[^"\\]|\\.)*"/g, '""')
  return (
    bare.includes(` -j ${OWN_PREFIX}`) ||
    bare.startsWith(`-j ${OWN_PREFIX}`) ||
    HOOKED.some((looks) => looks(parseRule(text, family)))
  )
}

/** What our own rules on the kernel's chains look like: excluded and virtual interfaces, and the marks of TPROXY. */
const HOOKED: readonly ((rule: Rule) => boolean)[] = [
  ({ when, then }) => then.do === 'return' && ['iif', 'oif'].includes(Object.keys(when).join()),
  ({ when, then }) => then.do === 'return' && when.oif?.value === 'lo' && when.mark?.not === false,
  ({ then }) => then.do === 'save-mark' || then.do === 'restore-mark',
  ({ then }) => then.do === 'mark' && then.value === TPROXY.ownTraffic,
]

function observed(dump: IptablesScript): ChainList {
  const list = new ChainList()
  for (const family of FAMILIES)
    for (const [name, lines] of sectionsOf(dump[KEY[family]] ?? '')) {
      const table = TABLES.find((one) => one === name)
      if (table === undefined) continue
      for (const line of lines) {
        const [, chainName = '', text = ''] = /^-A (\S+) (.*)$/.exec(line) ?? []
        const chain = [...HOOKS, ...OWN_CHAINS].find((one) => one === chainName)
        if (chain !== undefined) list.append(table, chain, parseRule(text, family))
      }
    }
  return list
}

/** Table → its lines, of the text of iptables-save; counters in front of rules are left out. */
function sectionsOf(dump: string): Sections {
  const sections = new Map<string, string[]>()
  let lines: string[] = []
  for (const line of dump.split('\n'))
    if (line.startsWith('*')) {
      lines = []
      sections.set(line.slice(1).trim(), lines)
    } else lines.push(line.replace(/^\[\d+:\d+\] /, ''))
  return sections
}
