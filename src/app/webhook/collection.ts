import { deepEqual } from '../../core/json/equal.ts'
import type { Json } from '../../core/json/value.ts'

/**
 * Where a watch puts what it sees, by name, or by `namespace/name` where the kind has namespaces. What it replaces is what it
 * had put there itself.
 */
export interface Feed<T> {
  /** all there are: what is not among `entries` is gone */
  readonly replace: (entries: ReadonlyMap<string, T>) => void
  readonly put: (key: string, value: T) => void
  readonly remove: (key: string) => void
}

/** What is kept of the API objects of one kind; several watches may feed it. */
export class Collection<T> {
  readonly #entries = new Map<string, T>()
  readonly #waitsFor = new Set<object>()
  #fed = false
  #changed = true

  /** what is kept, by key */
  get entries(): ReadonlyMap<string, T> {
    return this.#entries
  }

  /** Has every feed given all it had once? */
  get listed(): boolean {
    return this.#fed && this.#waitsFor.size === 0
  }

  /** A new source of objects, which no other source has. */
  feed(): Feed<T> {
    this.#fed = true
    const own = new Set<string>()
    this.#waitsFor.add(own)
    const put = (key: string, value: T): void => {
      own.add(key)
      this.#put(key, value)
    }
    const remove = (key: string): void => {
      if (own.delete(key)) this.#remove(key)
    }
    const replace = (entries: ReadonlyMap<string, T>): void => {
      for (const key of [...own]) if (!entries.has(key)) remove(key)
      for (const [key, value] of entries) put(key, value)
      this.#waitsFor.delete(own)
    }
    return { replace, put, remove }
  }

  /** Has anything changed since this was asked last? */
  takeChanged(): boolean {
    const changed = this.#changed
    this.#changed = false
    return changed
  }

  #put(key: string, value: T): void {
    // a heartbeat of a node is no change
    if (this.#entries.has(key) && deepEqual(this.#entries.get(key) as Json, value as Json)) return
    this.#entries.set(key, value)
    this.#changed = true
  }

  #remove(key: string): void {
    this.#entries.delete(key)
    this.#changed = true
  }
}
