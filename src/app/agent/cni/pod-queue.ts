/** What became of a piece of work that was offered. */
export type Queued<T> = { readonly is: 'done'; readonly value: T } | { readonly is: 'full'; readonly waiting: number }

interface Waiting {
  readonly key: string
  readonly start: () => void
}

export interface PodQueueLimits {
  /** pieces that run at the same time */
  readonly running: number
  /** pieces that wait behind them */
  readonly waiting: number
}

/**
 * Work for pods: one piece at a time for each pod, in the order that it came, and pods beside each other. What does not fit
 * is told so at once: whoever asks tries again, which no queue remembers better.
 */
export class PodQueue {
  readonly #limits: PodQueueLimits
  readonly #busy = new Set<string>()
  #waiting: Waiting[] = []

  constructor(limits: PodQueueLimits) {
    this.#limits = limits
  }

  get length(): number {
    return this.#waiting.length + this.#busy.size
  }

  /** Runs `work` when it is the turn of `key`; rejects with what it throws. */
  async run<T>(key: string, work: () => Promise<T>): Promise<Queued<T>> {
    if (this.#waiting.length >= this.#limits.waiting) return { is: 'full', waiting: this.#waiting.length }
    const { promise, resolve } = Promise.withResolvers<undefined>()
    this.#waiting.push({ key, start: () => resolve(undefined) })
    this.#next()
    await promise
    try {
      return { is: 'done', value: await work() }
    } finally {
      this.#busy.delete(key)
      this.#next()
    }
  }

  #next(): void {
    while (this.#busy.size < this.#limits.running) {
      const first = this.#waiting.find(({ key }) => !this.#busy.has(key))
      if (first === undefined) return
      this.#waiting = this.#waiting.filter((one) => one !== first)
      this.#busy.add(first.key)
      first.start()
    }
  }
}
