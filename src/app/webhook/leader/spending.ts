import type { LeaderParts } from './parts.ts'

interface Spent {
  readonly node: string
  readonly at: number
}

/** What was spent of a budget in the last minute, and on behalf of which node. */
export class Spending {
  readonly #parts: Pick<LeaderParts, 'clock' | 'limits'>
  #spent: readonly Spent[] = []

  constructor(parts: Pick<LeaderParts, 'clock' | 'limits'>) {
    this.#parts = parts
  }

  /** Counts one more. */
  add(node: string): void {
    this.#spent = [...this.#recent, { node, at: this.#parts.clock.now() }]
  }

  get total(): number {
    return this.#recent.length
  }

  /** Of one node. */
  of(node: string): number {
    return this.#recent.filter((one) => one.node === node).length
  }

  get #recent(): readonly Spent[] {
    const since = this.#parts.clock.now() - this.#parts.limits.minuteMs
    return this.#spent.filter(({ at }) => at > since)
  }
}
