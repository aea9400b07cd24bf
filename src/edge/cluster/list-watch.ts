import { ApiError, hasStatus, TransportError } from './api-error.ts'
import { keyOf, partOf, textOf, type ApiObject } from './api-object.ts'
import { backoffMs } from './backoff.ts'
import { createClient } from './client.ts'
import { SYSTEM_CLOCK, type Clock } from './clock.ts'
import {
  LIST_WATCH_LIMITS,
  type ListWatchLimits,
  type ListWatchOptions,
  type ListWatchProblem,
} from './list-watch-options.ts'
import { pathOf, type Query } from './resource.ts'
import { watch, type WatchEvent } from './watch.ts'

/** On the bookmark that closes the initial events of a watch. */
const INITIAL_EVENTS_END = 'k8s.io/initial-events-end'
/** A watch that ends sooner, without an event, did not work: asking again at once would be a hot loop. */
const SHORTEST_WATCH_MS = 1_000
/** The server does not know `sendInitialEvents`, or has it switched off. */
const CANNOT_STREAM = [400, 422]

/**
 * Follows a collection for as long as it is told to, and tells how old its knowledge is. It lists and watches in one request
 * where the server can (`sendInitialEvents`), else page by page; resumes after the last version it saw; reads everything
 * anew when that version is too old, and from time to time, whatever the watch says. No answer of the server and no silence
 * ends it: it tries again, after longer and longer waits.
 */
export class ListWatch<T> {
  readonly #options: ListWatchOptions<T>
  readonly #limits: ListWatchLimits
  readonly #clock: Clock
  /** version to resume after; empty where everything must be read anew */
  #version = ''
  #streams = true
  #failures = 0
  #relistAt = 0
  #provedAt: number | undefined

  constructor(options: ListWatchOptions<T>) {
    this.#options = options
    this.#limits = { ...LIST_WATCH_LIMITS, ...options.limits }
    this.#clock = options.clock ?? SYSTEM_CLOCK
  }

  /** Everything was seen once. */
  get synced(): boolean {
    return this.#provedAt !== undefined
  }

  /** How long ago the API server last proved that what is known is current; infinite before the first time. */
  get ageMs(): number {
    return this.#provedAt === undefined ? Infinity : this.#clock.now() - this.#provedAt
  }

  /** Follows the collection until `signal` aborts; never throws. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const waitMs = await this.#turn(signal)
      if (waitMs > 0) await this.#clock.sleep(waitMs, signal)
    }
  }

  /** One list or one watch; gives how long to wait before the next. */
  async #turn(signal: AbortSignal): Promise<number> {
    const provedAt = this.#provedAt
    try {
      if (this.#version !== '') await this.#resume(signal)
      else if (this.#streams) await this.#stream(signal)
      else await this.#list(signal)
      if (this.#clock.now() >= this.#relistAt) this.#version = ''
      return 0
    } catch (error) {
      if (signal.aborted) return 0
      // a server that takes a watch and then refuses it has proved nothing
      if (error instanceof ApiError) this.#provedAt = provedAt ?? this.#provedAt
      if (this.#options.optional === true && hasStatus(error, 404)) {
        this.#replace(new Map(), '')
        return this.#jittered(this.#limits.absentMs)
      }
      return this.#failed(error)
    }
  }

  /** List and watch in one request: what is there comes as events, closed by a bookmark of its own. */
  async #stream(signal: AbortSignal): Promise<void> {
    const query = { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' }
    const initial = { all: new Map<string, T>(), complete: false as boolean }
    const end = await this.#watch(query, signal, (event) => {
      const { annotations, resourceVersion } = partOf(event.object['metadata'])
      if (initial.complete) this.#apply(event)
      else if (event.type !== 'BOOKMARK') this.#collect(event.object, initial.all)
      else if (partOf(annotations)[INITIAL_EVENTS_END] === 'true') {
        this.#replace(initial.all, textOf(resourceVersion))
        initial.complete = true
        initial.all = new Map()
      }
    })
    if (initial.complete) return
    // a server that stays silent may do better when asked page by page
    if (end === 'silent') this.#streams = false
    throw new TransportError(this.#what, `the initial events did not come to their end: the watch ${end}`)
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { connection, target, selection } = this.#options
    const client = createClient(connection, { timeoutMs: this.#limits.headMs, signal })
    const all = new Map<string, T>()
    let next: string | undefined
    let version: string
    do {
      const page = await client.list(target, { ...selection, limit: this.#limits.pageItems, continue: next })
      for (const object of page.items) this.#collect(object, all)
      next = page.next
      version = page.resourceVersion
    } while (next !== undefined)
    this.#replace(all, version)
  }

  async #resume(signal: AbortSignal): Promise<void> {
    const openedAt = this.#clock.now()
    let events = 0
    const end = await this.#watch({ resourceVersion: this.#version }, signal, (event) => {
      events++
      this.#apply(event)
    })
    const lasted = this.#clock.now() - openedAt >= SHORTEST_WATCH_MS
    if (events > 0 || lasted || end === 'silent') this.#failures = 0
    else throw new TransportError(this.#what, `the server ended the watch at once`)
  }

  async #watch(query: Query, signal: AbortSignal, onEvent: (event: WatchEvent) => void): Promise<'ended' | 'silent'> {
    const { connection, target, selection } = this.#options
    return await watch(
      connection,
      target,
      {
        ...selection,
        ...query,
        allowWatchBookmarks: true,
        timeoutSeconds: Math.ceil(this.#jittered(this.#limits.watchMs) / 1000),
      },
      { ...this.#limits, signal },
      {
        onOpen: () => {
          if (this.#version !== '') this.#provedAt = this.#clock.now()
        },
        onEvent,
      },
    )
  }

  #apply({ type, object }: WatchEvent): void {
    this.#failures = 0
    this.#provedAt = this.#clock.now()
    this.#version = textOf(partOf(object['metadata'])['resourceVersion'])
    if (type === 'BOOKMARK') return
    const key = keyOf(object)
    if (key === undefined) return
    const { sink } = this.#options
    const kept = new Map<string, T>()
    if (type === 'DELETED') this.#pour(() => sink.remove(key), key)
    else this.#collect(object, kept)
    for (const value of kept.values()) this.#pour(() => sink.put(key, value), key)
  }

  #replace(all: ReadonlyMap<string, T>, version: string): void {
    const now = this.#clock.now()
    this.#failures = 0
    this.#provedAt = now
    this.#version = version
    this.#relistAt = now + this.#jittered(this.#limits.relistMs)
    this.#pour(() => this.#options.sink.replace(all))
  }

  #collect(object: ApiObject, into: Map<string, T>): void {
    const key = keyOf(object)
    if (key === undefined) return
    try {
      into.set(key, this.#options.project(object))
    } catch (error) {
      this.#report({ error, at: 'object', key })
    }
  }

  #pour(into: () => void, key?: string): void {
    try {
      into()
    } catch (error) {
      this.#report({ error, at: 'sink', ...(key === undefined ? {} : { key }) })
    }
  }

  /** Takes a failed request down, and gives how long to wait before the next. */
  #failed(error: unknown): number {
    if (hasStatus(error, 410)) this.#version = ''
    if (error instanceof ApiError && CANNOT_STREAM.includes(error.status)) this.#streams = false
    this.#failures++
    const asked = error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0
    const waitMs = backoffMs(this.#failures, this.#limits, this.#clock.random())
    const againMs = Math.max(waitMs, Math.min(asked, this.#limits.maxMs))
    this.#report({ error, at: 'request', againMs })
    return againMs
  }

  /** Whoever is told of a problem must not become one. */
  #report(problem: ListWatchProblem): void {
    try {
      this.#options.report(problem)
    } catch {
      return
    }
  }

  get #what(): string {
    return `watch ${pathOf(this.#options.target)}`
  }

  /** Between `ms` and half as much again. */
  #jittered(ms: number): number {
    return ms * (1 + this.#clock.random() / 2)
  }
}
