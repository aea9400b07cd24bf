import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { parseJson } from '../../core/json/parse.ts'
import { isList, isObject, type JsonObject, objectsOf, stringOr } from '../../core/json/value.ts'
import { makeFolder } from '../../edge/files/make-folder.ts'
import type { NamespaceId } from '../../edge/host/namespaces.ts'
import { messageOf } from '../../edge/message-of.ts'

/** What the agent did for one pod. */
export interface JournalEntry {
  readonly uid: string
  readonly namespace: string
  readonly name: string
  /** the sandbox: a pod gets another one when its node or its pause container restarts */
  readonly containerId: string
  readonly netnsPath: string
  /** the path may be used again by another pod; this says whether it leads to the same namespace */
  readonly netnsId: NamespaceId
  /** that the runtime gave it; the API server says so later, or not at all while it is away */
  readonly addresses: readonly string[]
  readonly mode: 'cni' | 'ambient'
  /** as the annotation `sluice-mesh.io/intent` says it */
  readonly intent: string
  /** `found`: the rules were right when this agent was asked, made by another one */
  readonly rules: 'made' | 'found'
  /** ISO 8601 */
  readonly appliedAt: string
}

const VERSION = 1

/**
 * What the agent remembers of the pods that it redirected, beyond its own restarts. It holds no proof, only where to look:
 * whoever reads an entry enters the namespace and measures. In memory it is always right; `unwritten` tells while the file is
 * behind, for example on a full disk, which stops no pod.
 */
export class Journal {
  readonly #path: string
  readonly #bootId: string
  readonly #entries = new Map<string, JournalEntry>()
  #behind = false
  #problem: string | null = null

  /** Reads what is there. `bootId`: of the running kernel; entries of another boot name namespaces that are gone. */
  constructor(path: string, bootId: string) {
    this.#path = path
    this.#bootId = bootId
    for (const entry of read(path, bootId)) this.#entries.set(entry.uid, entry)
  }

  /** why the file is behind; null where it is not */
  get unwritten(): string | null {
    return this.#problem
  }

  get(uid: string): JournalEntry | undefined {
    return this.#entries.get(uid)
  }

  all(): readonly JournalEntry[] {
    return [...this.#entries.values()]
  }

  put(entry: JournalEntry): void {
    this.#entries.set(entry.uid, entry)
    this.#behind = true
    this.write()
  }

  /** Forgets the pod; where `containerId` is given, only if that sandbox is the one that is known. */
  remove(uid: string, containerId?: string): void {
    const entry = this.#entries.get(uid)
    if (entry === undefined || (containerId !== undefined && entry.containerId !== containerId)) return
    this.#entries.delete(uid)
    this.#behind = true
    this.write()
  }

  /**
   * Writes where the file is behind: beside its place, then renamed, so that no half-written journal is ever read. No fsync: what
   * only a power cut could lose names namespaces that went with it.
   */
  write(): void {
    if (!this.#behind) return
    const text = JSON.stringify({ version: VERSION, bootId: this.#bootId, entries: this.all() })
    const unfinished = `${this.#path}.new`
    try {
      makeFolder(dirname(this.#path), 0o700)
      writeFileSync(unfinished, text, { mode: 0o600 })
      renameSync(unfinished, this.#path)
      this.#behind = false
      this.#problem = null
    } catch (error) {
      removeQuietly(unfinished)
      this.#problem = messageOf(error)
    }
  }
}

/** The entries of the file; none where it is absent, of another boot or version, or not readable: the sweep finds the pods. */
function read(path: string, bootId: string): readonly JournalEntry[] {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    return []
  }
  const journal = parsed(text)
  if (journal['version'] !== VERSION || journal['bootId'] !== bootId) return []
  return objectsOf(journal['entries']).flatMap((entry) => {
    const field = (name: string): string => stringOr(entry[name]) ?? ''
    const mode = entry['mode']
    if ((mode !== 'cni' && mode !== 'ambient') || field('uid') === '' || field('netnsPath') === '') return []
    const [uid, namespace, name, containerId] = ['uid', 'namespace', 'name', 'containerId'].map(field)
    const addresses = isList(entry['addresses']) ? entry['addresses'].flatMap((one) => stringOr(one) ?? []) : []
    const [netnsPath, netnsId, intent, appliedAt] = ['netnsPath', 'netnsId', 'intent', 'appliedAt'].map(field)
    const rules = entry['rules'] === 'found' ? 'found' : 'made'
    return [
      {
        uid,
        namespace,
        name,
        containerId,
        netnsPath,
        netnsId,
        addresses,
        mode,
        intent,
        rules,
        appliedAt,
      } as JournalEntry,
    ]
  })
}

function parsed(text: string): JsonObject {
  try {
    const value = parseJson(text)
    return isObject(value) ? value : {}
  } catch {
    return {}
  }
}

/** What cannot be removed is in nobody's way: it is written over the next time. */
function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch {
    // see above
  }
}
