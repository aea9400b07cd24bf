import { deepEqual } from '../../core/json/equal.ts'
import { objectOr, stringOr, type Json, type JsonObject } from '../../core/json/value.ts'

/** The API objects of one kind, of each no more than `project` keeps. */
export class Collection<T> {
  readonly #project: (object: JsonObject) => T
  #entries = new Map<string, T>()
  #changed = true

  constructor(project: (object: JsonObject) => T) {
    this.#project = project
  }

  /** what is kept, by name, or by `namespace/name` where the kind has namespaces */
  get entries(): ReadonlyMap<string, T> {
    return this.#entries
  }

  put(object: JsonObject): void {
    const key = keyOf(object)
    const projected = this.#project(object)
    // a heartbeat of a node is no change
    if (this.#entries.has(key) && deepEqual(this.#entries.get(key) as Json, projected as Json)) return
    this.#entries.set(key, projected)
    this.#changed = true
  }

  remove(object: JsonObject): void {
    if (this.#entries.delete(keyOf(object))) this.#changed = true
  }

  /** all there are: what is not among `objects` is gone */
  replace(objects: readonly JsonObject[]): void {
    this.#entries = new Map(objects.map((object) => [keyOf(object), this.#project(object)]))
    this.#changed = true
  }

  /** Has anything changed since this was asked last? */
  takeChanged(): boolean {
    const changed = this.#changed
    this.#changed = false
    return changed
  }
}

function keyOf(object: JsonObject): string {
  const metadata = objectOr(object['metadata'])
  const name = stringOr(metadata['name']) ?? ''
  const namespace = stringOr(metadata['namespace']) ?? ''
  return namespace === '' ? name : `${namespace}/${name}`
}
