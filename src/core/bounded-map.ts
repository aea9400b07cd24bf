/** A map of no more than `limit` entries: where another key comes, the oldest goes. For what whoever creates pods chooses the keys of. */
export class BoundedMap<K, V> extends Map<K, V> {
  readonly #limit: number

  constructor(limit: number) {
    super()
    this.#limit = limit
  }

  override set(key: K, value: V): this {
    const oldest = this.keys().next()
    if (this.size >= this.#limit && oldest.done !== true && !this.has(key)) this.delete(oldest.value)
    return super.set(key, value)
  }
}
