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

  /** What waits, in turns: first what a node asks for of which least was spent, lest one that asks for much keep the others out. */
  inTurns<T extends { readonly node: string }>(waiting: readonly T[]): readonly T[] {
    const before = new Map<string, number>()
    const placed = waiting.map((one) => {
      const place = before.get(one.node) ?? this.of(one.node)
      before.set(one.node, place + 1)
      return { one, place }
    })
    return placed.toSorted((a, b) => a.place - b.place).map(({ one }) => one)
  }

  get #recent(): readonly Spent[] {
    const since = this.#parts.clock.now() - this.#parts.limits.minuteMs
    return this.#spent.filter(({ at }) => at > since)
  }
}
