import { isObject, type Json, type JsonObject, objectOr, stringOr } from '../../../src/core/json/value.ts'
import { compareRules, type LocatedRule } from '../../../src/core/redirection/comparison.ts'
import { IPTABLES } from '../../../src/core/redirection/iptables.ts'
import type { RuleModel } from '../../../src/core/redirection/model.ts'
import { NFTABLES } from '../../../src/core/redirection/nftables.ts'
import { jsonDifferences } from './differences.ts'

type Owner = RuleModel['owner']

/** Istio's `chains` as iptables-save would list them; null stays null. */
export function savedText(family: unknown): string | null {
  if (!isObject(family)) return null
  return Object.entries(objectOr(family['chains']))
    .map(([table, chains]) => `*${table}\n${lines(objectOr(chains))}COMMIT\n`)
    .join('')
}

function lines(chains: JsonObject): string {
  return Object.entries(chains)
    .flatMap(([chain, rules]) => (rules as readonly string[]).map((rule) => `-A ${chain} ${rule}\n`))
    .join('')
}

/** Istio's `tables` as the script that would make them; null stays null. */
export function scriptText(nftables: unknown): string | null {
  if (!isObject(nftables)) return null
  return Object.entries(objectOr(nftables['tables']))
    .flatMap(([table, chains]) =>
      Object.entries(objectOr(chains)).flatMap(([chain, said]) => {
        const { base, rules } = objectOr(said)
        const hook = typeof base === 'string' ? ` { ${base} ; }` : ''
        return [
          `add chain inet ${table} ${chain}${hook}\n`,
          ...(rules as readonly string[]).map((rule) => `add rule inet ${table} ${chain} ${rule}\n`),
        ]
      }),
    )
    .join('')
}

/** Where two rule sets for iptables differ in meaning. */
export function iptablesDifferences(want: JsonObject, got: JsonObject, owner: Owner): readonly string[] {
  const model = (texts: JsonObject): RuleModel =>
    IPTABLES.observe({ of: 'iptables', v4: saved(texts['v4']), v6: saved(texts['v6']) }, owner)
  const [wanted, had] = [model(want), model(got)]
  return [
    ...jsonDifferences([...wanted.families], [...had.families], 'iptables.families'),
    ...ruleDifferences(wanted, had, 'iptables'),
  ]
}

/** Where two scripts for nft differ in meaning, the hooks and priorities of their chains included. */
export function nftablesDifferences(want: string, got: string, owner: Owner): readonly string[] {
  return [
    ...jsonDifferences(bases(want), bases(got), 'nftables.hooks'),
    ...ruleDifferences(listed(want, owner), listed(got, owner), 'nftables'),
  ]
}

/** Where a script for nft differs in meaning from rules of iptables, for the families of these. */
export function acrossDifferences(iptables: JsonObject, nft: string, owner: Owner): readonly string[] {
  const want = IPTABLES.observe({ of: 'iptables', v4: saved(iptables['v4']), v6: saved(iptables['v6']) }, owner)
  return ruleDifferences(want, listed(nft, owner), 'nftables against iptables')
}

/** A text for iptables-restore as iptables-save would list it; one rule at the top is where listings begin. */
function saved(text: unknown): string | null {
  return stringOr(text)?.replace(/^-I (\S+) 1 /gm, '-A $1 ') ?? null
}

function ruleDifferences(want: RuleModel, got: RuleModel, what: string): readonly string[] {
  const { missing, surplus } = compareRules(want, got)
  const line = ({ family, table, chain, rule }: LocatedRule): string =>
    `${what} IPv${family} ${table} ${chain}: ${JSON.stringify(rule)}`
  return [...missing.map((one) => `missing ${line(one)}`), ...surplus.map((one) => `surplus ${line(one)}`)]
}

function listed(script: string, owner: Owner): RuleModel {
  const model = NFTABLES.observe({ of: 'nftables', text: listing(script) }, owner)
  const count = model.chains.reduce((sum, { rules }) => sum + rules.length, 0)
  const said = script.split('\n').filter((line) => line.startsWith('add rule')).length
  if (count !== said) throw new Error(`${said} rules are said, ${count} were read`)
  return model
}

/** Chain → when the kernel runs it. */
function bases(script: string): Json {
  const found = [...script.matchAll(/^add chain inet (\S+ \S+) \{ ([^;]+?) ?; \}$/gm)]
  return Object.fromEntries(found.map(([, chain = '', base = '']) => [chain, base]))
}

/** What `nft list ruleset` would show of what `script` makes. */
export function listing(script: string): string {
  const tables = new Map<string, Map<string, string[]>>()
  for (const [, verb, table = '', chain = '', text = ''] of script.matchAll(
    /^add (chain|rule) inet (\S+) (\S+) ?(.*)$/gm,
  )) {
    const chains = tables.get(table) ?? new Map<string, string[]>()
    tables.set(table, chains)
    const rules = chains.get(chain) ?? []
    chains.set(chain, rules)
    if (verb === 'rule') rules.push(text)
  }
  return [...tables]
    .map(([table, chains]) => {
      const blocks = [...chains].map(
        ([chain, rules]) => `\tchain ${chain} {\n${rules.map((rule) => `\t\t${rule}\n`).join('')}\t}\n`,
      )
      return `table inet ${table} {\n${blocks.join('')}}\n`
    })
    .join('')
}
