import { type FSWatcher, statSync, watch } from 'node:fs'

/**
 * Calls `changed` soon after something changed in one of the directories. A hint and never the truth: a directory that is
 * removed and made again is dead to its watch without a word, so the caller compares now and then by itself and calls
 * `renew` when it does. Directories that are not there are watched from the next `renew` on.
 */
export class DirectoryWatch {
  readonly #changed: () => void
  readonly #watches = new Map<string, { readonly inode: bigint | undefined; readonly watcher: FSWatcher | undefined }>()
  #timer: NodeJS.Timeout | undefined

  constructor(directories: readonly string[], changed: () => void) {
    this.#changed = changed
    for (const directory of directories) this.#watches.set(directory, { inode: undefined, watcher: undefined })
    this.renew()
  }

  /** Watches anew each directory that is another one than before. */
  renew(): void {
    for (const [directory, { inode, watcher }] of this.#watches) {
      const now = inodeOf(directory)
      if (now === inode && watcher !== undefined) continue
      watcher?.close()
      this.#watches.set(directory, { inode: now, watcher: now === undefined ? undefined : this.#watch(directory) })
    }
  }

  close(): void {
    clearTimeout(this.#timer)
    for (const { watcher } of this.#watches.values()) watcher?.close()
    this.#watches.clear()
  }

  /** undefined where the kernel grants no more watches: the caller's own comparing is what is left */
  #watch(directory: string): FSWatcher | undefined {
    try {
      const watcher = watch(directory, { persistent: false }, () => this.#soon())
      return watcher.on('error', () => watcher.close())
    } catch {
      return undefined
    }
  }

  #soon(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(this.#changed, SETTLE_MS)
  }
}

/** A writer may need several steps for one change. */
const SETTLE_MS = 60

function inodeOf(directory: string): bigint | undefined {
  return statSync(directory, { bigint: true, throwIfNoEntry: false })?.ino
}
