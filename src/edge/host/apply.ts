import type { Nft } from './libnftables.ts'
import { addItem, itemText, type NetworkItem, removeItem } from './network.ts'
import { type ProgramAnswer, runProgram } from './programs.ts'
import { type ProgramPlace, Xtables, type XtablesTexts, type XtablesVariant } from './xtables.ts'

/** The ways to hand rules to the kernel, fastest first. */
export const BACKENDS = ['libnftables', 'nft', 'iptables-nft', 'iptables-legacy'] as const
export type Backend = (typeof BACKENDS)[number]

const VARIANT = { 'iptables-nft': 'nft', 'iptables-legacy': 'legacy' } as const satisfies Record<string, XtablesVariant>

/** Rules as text, for the backend that is to run it. */
export type RuleTexts =
  | { readonly backend: 'libnftables' | 'nft'; readonly text: string }
  | { readonly backend: keyof typeof VARIANT; readonly texts: XtablesTexts }

/** Rules and what they need beside them. */
export interface Change {
  readonly rules: RuleTexts
  readonly network: readonly NetworkItem[]
}

export type Applied =
  /** `changed`: the network items that were not as wished before */
  | { readonly ok: true; readonly changed: readonly NetworkItem[] }
  /** what had been changed has been put back */
  | { readonly ok: false; readonly error: string }

/** The rules that a namespace has, as the backend lists them. */
export type Dump =
  | { readonly ok: true; readonly nft: string }
  | { readonly ok: true; readonly v4: string; readonly v6: string }
  | { readonly ok: false; readonly error: string }

/** What a worker applies with. */
export interface Means {
  /** null where the library could not be loaded */
  readonly nft: Nft | null
  readonly place: ProgramPlace
}

/** What nft said. */
export type Ran = { readonly ok: true; readonly output: string } | { readonly ok: false; readonly error: string }

/** The backends that speak nft. */
export type NftBackend = 'libnftables' | 'nft'

const NFT_TIMEOUT_MS = 10_000

/**
 * Applies `change` in the calling thread's namespace (`netns`, for what must ask about its owner), all or nothing: first the
 * network, so that no rule points to a route that is not there yet, then the rules in one transaction.
 */
export function apply(change: Change, netns: number, foreignUsers: boolean, means: Means): Applied {
  const changed: NetworkItem[] = []
  const undo = (error: string): Applied => {
    const left = changed.toReversed().flatMap((item) => problemOf(() => removeItem(item)))
    return { ok: false, error: [error, ...left].join('; and it could not be undone: ') }
  }
  for (const item of change.network) {
    const problem = problemOf(() => {
      if (addItem(item)) changed.push(item)
    })
    if (problem.length > 0) return undo(`${itemText(item)}: ${problem.join()}`)
  }
  const ran = runRules(change.rules, netns, foreignUsers, means)
  return ran.ok ? { ok: true, changed } : undo(ran.error)
}

/** The reverse: the rules first, then what they needed. What is not there is no failure for the network, but is for rules. */
export function remove(change: Change, netns: number, foreignUsers: boolean, means: Means): Applied {
  const ran = runRules(change.rules, netns, foreignUsers, means)
  if (!ran.ok) return ran
  const changed: NetworkItem[] = []
  const problems = change.network.flatMap((item) =>
    problemOf(() => {
      if (removeItem(item)) changed.push(item)
    }),
  )
  return problems.length === 0 ? { ok: true, changed } : { ok: false, error: problems.join('; ') }
}

/** What `backend` lists in the calling thread's namespace; by nft, the tables of the family that ours are in. */
export function dump(backend: Backend, netns: number, means: Means): Dump {
  if (backend === 'libnftables' || backend === 'nft') {
    // those of iptables-nft are in others: for each of their rules libnftables loads an extension of iptables into this process
    const ran = runNft(backend, 'list ruleset inet\n', means)
    return ran.ok ? { ok: true, nft: ran.output } : ran
  }
  try {
    return { ok: true, ...new Xtables(VARIANT[backend], means.place).save(netns) }
  } catch (error) {
    return { ok: false, error: messageOf(error) }
  }
}

function runRules(rules: RuleTexts, netns: number, foreignUsers: boolean, means: Means): Ran {
  switch (rules.backend) {
    case 'libnftables':
    case 'nft':
      return rules.text === '' ? { ok: true, output: '' } : runNft(rules.backend, rules.text, means)
    case 'iptables-nft':
    case 'iptables-legacy':
      try {
        const users = foreignUsers ? 'of-namespace' : 'own'
        const answer = new Xtables(VARIANT[rules.backend], means.place).restore(rules.texts, netns, users)
        return answer.ok ? { ok: true, output: '' } : answer
      } catch (error) {
        return { ok: false, error: messageOf(error) }
      }
  }
}

/** Runs nft text, one transaction, in the calling thread's namespace. */
export function runNft(backend: NftBackend, text: string, { nft, place }: Means): Ran {
  if (backend === 'libnftables') return nft === null ? { ok: false, error: 'libnftables is not loaded' } : nft(text)
  const file = `${place.directory}nft`
  const program = { file, args: ['-f', '-'], input: text, env: place.env, timeoutMs: NFT_TIMEOUT_MS }
  const answer: ProgramAnswer = runProgram(program, -1, 'own')
  return answer.ok ? answer : { ok: false, error: answer.errors }
}

function problemOf(work: () => unknown): readonly string[] {
  try {
    work()
    return []
  } catch (error) {
    return [messageOf(error)]
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
