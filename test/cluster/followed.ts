import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { partOf, textOf, type ApiObject } from '../../src/edge/cluster/api-object.ts'
import { ListWatch } from '../../src/edge/cluster/list-watch.ts'
import type { ListWatchOptions, ListWatchProblem } from '../../src/edge/cluster/list-watch-options.ts'
import type { ApiProxy } from './api-proxy.ts'
import { until } from './until.ts'

export const CONFIG_MAPS = { group: '', version: 'v1', plural: 'configmaps' }
export const QUICK = { firstMs: 5, maxMs: 40, headMs: 5_000 }

/** What a list-watch put down, in order, and what it knows now. */
export interface Seen {
  readonly watch: ListWatch<string>
  readonly known: Map<string, string>
  readonly problems: ListWatchProblem[]
  readonly replaced: () => number
  readonly requests: () => readonly URL[]
  /** Resolves as soon as what is known is `want`: key → value. */
  readonly knows: (want: Readonly<Record<string, string>>) => Promise<void>
}

/** Follows the ConfigMaps of a namespace through the proxy `via` until the test `t` is over; keeps `data.v` of each. */
export function followThrough(
  via: ApiProxy,
  t: TestContext,
  namespace: string,
  options: Partial<ListWatchOptions<string>> = {},
): Seen {
  const known = new Map<string, string>()
  const problems: ListWatchProblem[] = []
  let replaced = 0
  const first = via.requests.length
  const watch = new ListWatch<string>({
    connection: via.connection,
    target: { resource: CONFIG_MAPS, namespace },
    project: dataOf,
    sink: {
      replace: (entries) => {
        replaced++
        known.clear()
        for (const [key, value] of entries) known.set(key, value)
      },
      put: (key, value) => void known.set(key, value),
      remove: (key) => void known.delete(key),
    },
    report: (problem) => void problems.push(problem),
    ...options,
    limits: { ...QUICK, ...options.limits },
  })
  const stop = new AbortController()
  const running = watch.run(stop.signal)
  t.after(async () => {
    stop.abort()
    await running
  })
  const knows = async (want: Readonly<Record<string, string>>): Promise<void> => {
    const keyed = Object.fromEntries(Object.entries(want).map(([name, value]) => [`${namespace}/${name}`, value]))
    await until(
      () => watch.synced && isSame(Object.fromEntries(known), keyed),
      () => ({ want: keyed, known, problems }),
    )
  }
  return { watch, known, problems, replaced: () => replaced, requests: () => via.requests.slice(first), knows }
}

/** What is kept of a ConfigMap: `data.v`. */
export function dataOf(object: ApiObject): string {
  return textOf(partOf(object['data'])['v'])
}

function isSame(one: object, other: object): boolean {
  try {
    assert.deepEqual(one, other)
    return true
  } catch {
    return false
  }
}
