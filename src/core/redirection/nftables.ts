import type { Backend, Script } from './backend.ts'
import { type ChainNames, parseRule, printRule } from './nftables-rule.ts'
import {
  type Chain,
  ChainList,
  type ChainName,
  type Hook,
  isHook,
  type OwnChain,
  type RuleModel,
  type Table,
  TABLES,
} from './model.ts'

type NftScript = Extract<Script, { of: 'nftables' }>
type Owner = RuleModel['owner']

const FAMILY = 'inet'
const OWNERS: readonly Owner[] = ['sidecar', 'ambient']
const PREFIX: Readonly<Record<Owner, string>> = { sidecar: 'istio-proxy', ambient: 'istio-ambient' }

/** Istio's names of our own chains; where they differ, by owner (cni.md §4.6, §5.10). */
const CHAIN_NAMES: Readonly<Record<OwnChain, string>> = {
  ISTIO_INBOUND: 'istio-inbound',
  ISTIO_OUTPUT: 'istio-output',
  ISTIO_OUTPUT_DNS: 'istio-output-dns',
  ISTIO_REDIRECT: 'istio-redirect',
  ISTIO_IN_REDIRECT: 'istio-in-redirect',
  ISTIO_DIVERT: 'istio-divert',
  ISTIO_TPROXY: 'istio-tproxy',
  ISTIO_DROP: 'istio-drop',
  ISTIO_PRERT: 'istio-prerouting',
  ISTIO_POSTRT: 'istio-postrouting',
}
const HOOK_NAMES: Readonly<Record<Hook, string>> = {
  PREROUTING: 'prerouting',
  OUTPUT: 'output',
  POSTROUTING: 'postrouting',
}

const NAMES: ChainNames = {
  nameOf: (chain) => CHAIN_NAMES[chain],
  chainOf: (name) => keyOf(CHAIN_NAMES, name),
}

/** When the kernel runs a chain; its own names for these numbers differ between hooks. */
const BASES: Readonly<Record<Table, Partial<Readonly<Record<Hook, string>>>>> = {
  nat: {
    PREROUTING: 'type nat hook prerouting priority -100 ;',
    OUTPUT: 'type nat hook output priority -100 ;',
    POSTROUTING: 'type nat hook postrouting priority 100 ;',
  },
  mangle: {
    PREROUTING: 'type filter hook prerouting priority -150 ;',
    OUTPUT: 'type route hook output priority -150 ;',
  },
  raw: {
    PREROUTING: 'type filter hook prerouting priority -300 ;',
    OUTPUT: 'type filter hook output priority -300 ;',
  },
}

/** Rules as one transaction of nft; tables and chains are Istio's. Rules without an address hold for both families. */
export const NFTABLES: Backend<NftScript> = {
  name: 'nftables',
  render: (want) => script(additions(want)),
  replace: (want, dump) => script([...removals(dump.text, want), ...additions(want)]),
  retract: (made) =>
    script([...new Set(made.chains.map(({ table }) => `delete table ${nftTable(made.owner, table)}`))]),
  remove: (dump) => script(removals(dump.text, null)),
  observe: (dump, owner) => ({ owner, families: [4, 6], chains: observed(dump.text, owner).chains() }),
}

function script(lines: readonly string[]): NftScript {
  return { of: 'nftables', text: lines.map((line) => `${line}\n`).join('') }
}

function additions(want: RuleModel): readonly string[] {
  return TABLES.flatMap((table) => {
    const chains = want.chains.filter((chain) => chain.table === table)
    const name = nftTable(want.owner, table)
    if (chains.length === 0) return []
    return [
      `add table ${name}`,
      ...setsOf(chains).map(([set, type]) => `add set ${name} ${set} { type ${type} ; }`),
      ...chains.map((chain) => `add chain ${name} ${chainName(chain.name)}${base(chain)}`),
      ...chains.flatMap((chain) =>
        chain.rules.map((rule) => `add rule ${name} ${chainName(chain.name)} ${printRule(rule, NAMES)}`),
      ),
    ]
  })
}

/** The full name of a table of ours. */
export function nftTable(owner: Owner, table: Table): string {
  return `${FAMILY} ${tableName(owner, table)}`
}

function tableName(owner: Owner, table: Table): string {
  return `${PREFIX[owner]}-${table}`
}

function chainName(name: ChainName): string {
  return isHook(name) ? HOOK_NAMES[name] : CHAIN_NAMES[name]
}

function base({ table, name }: Chain): string {
  if (!isHook(name)) return ''
  const when = BASES[table][name]
  if (when === undefined) throw new Error(`no rules of ours hang on ${name} of ${table}`)
  return ` { ${when} }`
}

/** Sets that rules look into are there before them; adding one that is there keeps its elements. */
function setsOf(chains: readonly Chain[]): readonly (readonly [string, string])[] {
  return chains.flatMap(({ rules }) =>
    rules.flatMap(({ when, family }) =>
      when.set === undefined ? [] : [[when.set, family === 6 ? 'ipv6_addr' : 'ipv4_addr'] as const],
    ),
  )
}

/**
 * What takes our tables away that `dump` lists. A table that `want` makes again keeps its sets: who is enrolled is not forgotten
 * for a new rule.
 */
function removals(dump: string, want: RuleModel | null): readonly string[] {
  const again = new Set(want?.chains.map(({ table }) => tableName(want.owner, table)) ?? [])
  return OWNERS.flatMap((owner) => TABLES.map((table) => tableName(owner, table))).flatMap((name) => {
    const chains = chainsOf(dump, name)
    const table = `${FAMILY} ${name}`
    if (chains === undefined) return []
    if (!again.has(name)) return [`delete table ${table}`]
    return [`flush table ${table}`, ...chains.map((chain) => `delete chain ${table} ${chain.name}`)]
  })
}

function observed(dump: string, owner: Owner): ChainList {
  const list = new ChainList()
  for (const table of TABLES)
    for (const { name, rules } of chainsOf(dump, tableName(owner, table)) ?? []) {
      const chain = keyOf(HOOK_NAMES, name) ?? keyOf(CHAIN_NAMES, name)
      if (chain !== undefined) list.append(table, chain, ...rules.map((line) => parseRule(line, NAMES)))
    }
  return list
}

/** The chains of a table as `nft list ruleset` has them; undefined where there is no such table. */
function chainsOf(
  dump: string,
  table: string,
): readonly { readonly name: string; readonly rules: readonly string[] }[] | undefined {
  const lines = dump.split('\n')
  const start = lines.findIndex((line) => line.trimEnd() === `table ${FAMILY} ${table} {`)
  if (start < 0) return undefined
  const end = lines.indexOf('}', start)
  const chains: { name: string; rules: string[] }[] = []
  let inside: string[] | null = null
  for (const line of lines.slice(start + 1, end < 0 ? undefined : end).map((one) => one.trim())) {
    const [, name] = /^chain (\S+) \{$/.exec(line) ?? []
    if (name !== undefined) {
      inside = []
      chains.push({ name, rules: inside })
    } else if (line === '}') inside = null
    else if (inside !== null && line !== '' && !/^(type \S+ hook|policy) /.test(line)) inside.push(line)
  }
  return chains
}

function keyOf<K extends string>(names: Readonly<Record<K, string>>, name: string): K | undefined {
  return (Object.keys(names) as K[]).find((key) => names[key] === name)
}
