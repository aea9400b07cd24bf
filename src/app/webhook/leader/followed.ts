import type { ApiObject } from '../../../edge/cluster/api-object.ts'
import type { Selection } from '../../../edge/cluster/client.ts'
import type { Connection } from '../../../edge/cluster/connection.ts'
import { ListWatch } from '../../../edge/cluster/list-watch.ts'
import type { ListWatchLimits, ListWatchProblem } from '../../../edge/cluster/list-watch-options.ts'
import type { Target } from '../../../edge/cluster/resource.ts'
import { Collection } from '../collection.ts'

export interface FollowedOptions<T> {
  readonly connection: Connection
  readonly target: Target
  readonly selection?: Selection
  /** what is kept of an object; undefined where it is of no interest */
  readonly project: (object: ApiObject) => T | undefined
  readonly report: (problem: ListWatchProblem) => void
  readonly limits?: Partial<ListWatchLimits>
}

/** Knowledge that is older is not acted upon: a watch gives a sign of life in every minute and a half. */
const FRESH_MS = 180_000

/** What a watch keeps fresh, of the objects that are of interest. */
export class Followed<T> {
  readonly #collection = new Collection<T>()
  readonly #watch: ListWatch<T | undefined>

  constructor({ project, report, ...options }: FollowedOptions<T>) {
    const feed = this.#collection.feed()
    this.#watch = new ListWatch<T | undefined>({
      ...options,
      project,
      report,
      sink: {
        replace: (entries) => {
          const kept = [...entries].flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]))
          feed.replace(new Map(kept))
        },
        put: (key, value) => (value === undefined ? feed.remove(key) : feed.put(key, value)),
        remove: feed.remove,
      },
    })
  }

  get values(): readonly T[] {
    return [...this.#collection.entries.values()]
  }

  /** All was seen once, and not too long ago. */
  get isFresh(): boolean {
    return this.#collection.listed && this.#watch.ageMs < FRESH_MS
  }

  /** Has anything changed since this was asked last? */
  takeChanged(): boolean {
    return this.#collection.takeChanged()
  }

  /** Follows until `signal` aborts; never throws. */
  async run(signal: AbortSignal): Promise<void> {
    await this.#watch.run(signal)
  }
}
