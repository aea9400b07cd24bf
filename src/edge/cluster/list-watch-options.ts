import type { ApiObject } from './api-object.ts'
import type { BackoffLimits } from './backoff.ts'
import type { Selection } from './client.ts'
import type { Clock } from './clock.ts'
import type { Connection } from './connection.ts'
import type { Target } from './resource.ts'

/** Where a list-watch puts what it sees, by `namespace/name` or name. */
export interface Sink<T> {
  /** all there are: what is not among `entries` is gone */
  readonly replace: (entries: ReadonlyMap<string, T>) => void
  readonly put: (key: string, value: T) => void
  readonly remove: (key: string) => void
}

/** Something went wrong, and what becomes of it. */
export interface ListWatchProblem {
  readonly error: unknown
  /** `request`: tried again after `againMs`; `object` and `sink`: this object is passed over, `key` names it */
  readonly at: 'request' | 'object' | 'sink'
  readonly againMs?: number
  readonly key?: string
}

export interface ListWatchLimits extends BackoffLimits {
  /** for the head of an answer, or a page of a list */
  readonly headMs: number
  /** a watch that is silent for longer is taken for dead */
  readonly idleMs: number
  /** the server ends a watch after this */
  readonly watchMs: number
  /** everything is read anew after this, whatever the watch says */
  readonly relistMs: number
  /** a kind that does not exist is looked for again after this */
  readonly absentMs: number
  readonly pageItems: number
  readonly eventBytes: number
}

export const LIST_WATCH_LIMITS: ListWatchLimits = {
  firstMs: 500,
  maxMs: 30_000,
  headMs: 30_000,
  // bookmarks come once a minute, where etcd reports its progress
  idleMs: 90_000,
  watchMs: 300_000,
  relistMs: 1_800_000,
  absentMs: 60_000,
  pageItems: 250,
  eventBytes: 8 * 1024 * 1024,
}

export interface ListWatchOptions<T> {
  readonly connection: Connection
  readonly target: Target
  readonly selection?: Selection
  /** what is kept of an object: called as soon as it has arrived, the rest is dropped at once */
  readonly project: (object: ApiObject) => T
  readonly sink: Sink<T>
  readonly report: (problem: ListWatchProblem) => void
  /** the kind may not exist (a CRD that is not installed): then there are none of it */
  readonly optional?: boolean
  readonly limits?: Partial<ListWatchLimits>
  readonly clock?: Clock
}
