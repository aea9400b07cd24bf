import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { embeddedJson } from '../../../core/json/parse.ts'
import { type JsonObject, objectOr, objectsOf, stringOr } from '../../../core/json/value.ts'
import { makeFolder } from '../../../edge/files/make-folder.ts'
import { replaceFile } from '../../../edge/files/replace-file.ts'
import { messageOf } from '../../../edge/message-of.ts'

/** One change that the installer made on the node, and what it knows of the one before it, which made it necessary. */
export interface InstallerEvent {
  /** when it was made, ISO 8601 */
  readonly at: string
  readonly what: 'installed' | 'repaired'
  readonly file: string
  /** what was found: see `causeOf` in core/conflist, or `binary` */
  readonly cause: string
  /** of the file as it was found: when it was last written, by its own clock, and whose it is; null where there was none */
  readonly changedAt: string | null
  readonly uid: number | null
  /** the type of its first plugin, which tells whose configuration it is; null where there is none */
  readonly mainPlugin: string | null
}

const VERSION = 1
const MOST = 100

/** Who rewrote what, and when: the newest events, kept in a file beyond restarts of the agent. Never in the way of a repair. */
export class InstallerHistory {
  readonly #path: string
  #events: readonly InstallerEvent[]
  #problem: string | null = null

  constructor(path: string) {
    this.#path = path
    this.#events = readHistory(path)
  }

  /** oldest first */
  get events(): readonly InstallerEvent[] {
    return this.#events
  }

  /** why the file is behind; null where it is not */
  get unwritten(): string | null {
    return this.#problem
  }

  add(event: InstallerEvent): void {
    this.#events = [...this.#events, event].slice(-MOST)
    try {
      makeFolder(dirname(this.#path), 0o700)
      const text = `${JSON.stringify({ version: VERSION, events: this.#events })}\n`
      replaceFile(this.#path, Buffer.from(text), { mode: 0o600 })
      this.#problem = null
    } catch (error) {
      this.#problem = messageOf(error)
    }
  }
}

/** The events of the file at `path`; none where it cannot be read. */
function readHistory(path: string): readonly InstallerEvent[] {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    return []
  }
  const kept: JsonObject = objectOr(embeddedJson(text))
  if (kept['version'] !== VERSION) return []
  return objectsOf(kept['events'])
    .map(eventOf)
    .filter((event) => event !== undefined)
    .slice(-MOST)
}

function eventOf(kept: JsonObject): InstallerEvent | undefined {
  const { what } = kept
  const text = (name: string): string => stringOr(kept[name]) ?? ''
  if ((what !== 'installed' && what !== 'repaired') || Number.isNaN(Date.parse(text('at')))) return undefined
  return {
    at: text('at'),
    what,
    file: text('file'),
    cause: text('cause'),
    changedAt: stringOr(kept['changedAt']) ?? null,
    uid: typeof kept['uid'] === 'number' ? kept['uid'] : null,
    mainPlugin: stringOr(kept['mainPlugin']) ?? null,
  }
}
