import { readFileSync } from 'node:fs'
import { OWN_NETNS } from './namespaces.ts'
import { type ProgramAnswer, runProgram } from './programs.ts'

/** The two builds of iptables; both are called by their explicit names, never by an alternative's. */
export type XtablesVariant = 'nft' | 'legacy'

/** Texts for `iptables-restore` and `ip6tables-restore`; null where a family has nothing to say. */
export interface XtablesTexts {
  readonly v4: string | null
  readonly v6: string | null
}

/** Where the programs are and what a child process gets as its environment. */
export interface ProgramPlace {
  /** with a slash at the end; empty: found by PATH */
  readonly directory: string
  readonly env: Readonly<Record<string, string>>
}

export type XtablesAnswer = { readonly ok: true } | { readonly ok: false; readonly error: string }

const TIMEOUT_MS = 10_000
const FAMILIES = ['v4', 'v6'] as const
type FamilyKey = (typeof FAMILIES)[number]
const NAME: Readonly<Record<FamilyKey, string>> = { v4: 'iptables', v6: 'ip6tables' }

export class Xtables {
  readonly #variant: XtablesVariant
  readonly #place: ProgramPlace

  constructor(variant: XtablesVariant, place: ProgramPlace) {
    this.#variant = variant
    this.#place = place
  }

  /** What `iptables-save` and `ip6tables-save` print in the calling thread's namespace; throws where they fail. */
  save(netns: number): { readonly v4: string; readonly v6: string } {
    return { v4: this.#save('v4', netns), v6: this.#save('v6', netns) }
  }

  /**
   * Runs the texts with `--noflush`, all or nothing: iptables commits table by table and family by family, so what was there
   * is read before and put back when something is refused.
   */
  restore(texts: XtablesTexts, netns: number, users: 'own' | 'of-namespace'): XtablesAnswer {
    const planned = FAMILIES.flatMap((family) => {
      const text = texts[family]
      return text === null ? [] : [{ family, text, before: this.#save(family, netns) }]
    })
    for (const [index, { family, text }] of planned.entries()) {
      const answer = this.#restore(family, ['--noflush'], text, netns, users)
      if (answer.ok) continue
      const undone = planned.slice(0, index + 1).map((done) => {
        return this.#restore(done.family, ['--counters'], asBefore(done.before, done.text), netns, users)
      })
      const left = undone.flatMap((undo) =>
        undo.ok ? [] : [`; and what was there could not be put back: ${undo.errors}`],
      )
      return { ok: false, error: `${NAME[family]}: ${answer.errors}${left.join('')}` }
    }
    return { ok: true }
  }

  #save(family: FamilyKey, netns: number): string {
    // reading needs no owner's user namespace, and /proc/net/ip_tables_names refuses to be read from there
    const answer = this.#run(family, 'save', ['--counters'], '', netns, 'own')
    if (!answer.ok) throw new Error(`${NAME[family]}-${this.#variant}-save: ${answer.errors}`)
    return answer.output
  }

  #restore(
    family: FamilyKey,
    args: readonly string[],
    input: string,
    netns: number,
    users: 'own' | 'of-namespace',
  ): ProgramAnswer {
    return this.#run(family, 'restore', args, input, netns, users)
  }

  #run(
    family: FamilyKey,
    verb: 'save' | 'restore',
    args: readonly string[],
    input: string,
    netns: number,
    users: 'own' | 'of-namespace',
  ): ProgramAnswer {
    const file = `${this.#place.directory}${NAME[family]}-${this.#variant}-${verb}`
    // The lock is one file per file system while rules are one set per namespace: here the namespace itself is the lock, so
    // no pod waits for kube-proxy. `self` is the child, which is in the namespace.
    const env = { ...this.#place.env, XTABLES_LOCKFILE: OWN_NETNS.replace('thread-self', 'self') }
    return runProgram({ file, args, input, env, timeoutMs: TIMEOUT_MS }, netns, users)
  }
}

/**
 * The tables of iptables-legacy that the calling thread's namespace has, in either family: none where nobody used it, which
 * costs no program to find out.
 */
export function legacyTables(): readonly string[] {
  return ['ip_tables_names', 'ip6_tables_names'].flatMap((file) => {
    try {
      const names = readFileSync(`/proc/thread-self/net/${file}`, 'utf8')
      return names.split('\n').filter((name) => name !== '')
    } catch (error) {
      // a kernel without iptables-legacy
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
      throw error
    }
  })
}

/** The tables that `text` names as they are in the dump `before`; empty where they were not there. */
function asBefore(before: string, text: string): string {
  const sections = new Map([...before.matchAll(SECTION)].map(([section, table = '']) => [table, section]))
  const tables = [...text.matchAll(TABLE)].map(([, table = '']) => table)
  return tables.map((table) => sections.get(table) ?? `*${table}\nCOMMIT\n`).join('')
}

const TABLE = /^\*(\w+)$/gm
const SECTION = /^\*(\w+)\n[^]*?^COMMIT\n/gm
