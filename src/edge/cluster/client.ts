import { isApiObject, partOf, textOf, type ApiObject } from './api-object.ts'
import type { Connection } from './connection.ts'
import { pathOf, withQuery, type Query, type Target } from './resource.ts'
import { exchange, readText, type Call } from './transport.ts'

/** What of a collection is asked for. */
export interface Selection {
  readonly fieldSelector?: string
  readonly labelSelector?: string
}

/** One page of a list. */
export interface Page {
  readonly items: readonly ApiObject[]
  readonly resourceVersion: string
  /** token for the next page; undefined where this is the last */
  readonly next: string | undefined
}

export const PATCH_TYPES = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  /** lists that have a merge key, such as conditions, are merged by it; for built-in kinds alone */
  strategic: 'application/strategic-merge-patch+json',
} as const

/** Calls of the API, each with a time-out. All throw `ApiError` or `TransportError`. */
export interface ClusterClient {
  readonly get: (target: Target) => Promise<ApiObject>
  /** of a path that is no object's, such as `/version` */
  readonly read: (path: string) => Promise<ApiObject>
  /** what is no JSON, such as a log */
  readonly text: (path: string) => Promise<string>
  readonly list: (target: Target, query?: Query) => Promise<Page>
  readonly create: (target: Target, object: unknown) => Promise<ApiObject>
  /** all that creation would do, and nothing is kept */
  readonly tryCreate: (target: Target, object: unknown) => Promise<ApiObject>
  /** replaces the version of the object that `metadata.resourceVersion` names */
  readonly replace: (target: Target, object: unknown) => Promise<ApiObject>
  readonly patch: (target: Target, type: keyof typeof PATCH_TYPES, patch: unknown) => Promise<ApiObject>
  /** server-side apply: from now on `fieldManager` owns the fields of `object`, and no others; takes them over where `force` */
  readonly apply: (
    target: Target,
    object: unknown,
    options: { readonly fieldManager: string; readonly force: boolean },
  ) => Promise<ApiObject>
}

export interface ClientOptions {
  /** for a whole call */
  readonly timeoutMs?: number
  readonly maxBytes?: number
  /** ends every call */
  readonly signal?: AbortSignal
  /** who owns what is created, replaced or patched; else the API server names the program */
  readonly fieldManager?: string
}

/** A client for `connection`. */
export function createClient(
  connection: Connection,
  {
    timeoutMs = 10_000,
    maxBytes = 64 * 1024 * 1024,
    signal = new AbortController().signal,
    fieldManager,
  }: ClientOptions = {},
): ClusterClient {
  const call = async (request: Call): Promise<ApiObject> =>
    await exchange(connection, request, { headMs: timeoutMs, signal }, async (answer) => {
      const value: unknown = JSON.parse(await readText(answer, maxBytes))
      if (!isApiObject(value)) throw new Error('the answer is not a JSON object')
      return value
    })
  const send = async (method: Call['method'], path: string, type: string, value: unknown): Promise<ApiObject> =>
    await call({ method, path, body: { type, text: JSON.stringify(value) } })
  const owned = (target: Target): string => withQuery(pathOf(target), { fieldManager })
  return {
    get: async (target) => await call({ method: 'GET', path: pathOf(target) }),
    read: async (path) => await call({ method: 'GET', path }),
    text: async (path) =>
      await exchange(
        connection,
        { method: 'GET', path },
        { headMs: timeoutMs, signal },
        async (answer) => await readText(answer, maxBytes),
      ),
    list: async (target, query = {}) => pageOf(await call({ method: 'GET', path: withQuery(pathOf(target), query) })),
    create: async (target, object) => await send('POST', owned(target), 'application/json', object),
    tryCreate: async (target, object) =>
      await send('POST', withQuery(pathOf(target), { dryRun: 'All' }), 'application/json', object),
    replace: async (target, object) => await send('PUT', owned(target), 'application/json', object),
    patch: async (target, type, patch) => await send('PATCH', owned(target), PATCH_TYPES[type], patch),
    apply: async (target, object, options) => {
      // JSON is YAML
      const path = withQuery(pathOf(target), { ...options })
      return await send('PATCH', path, 'application/apply-patch+yaml', object)
    },
  }
}

function pageOf(list: ApiObject): Page {
  const metadata = partOf(list['metadata'])
  const items: unknown = list['items']
  const next = textOf(metadata['continue'])
  return {
    items: Array.isArray(items) ? items.filter(isApiObject) : [],
    resourceVersion: textOf(metadata['resourceVersion']),
    next: next === '' ? undefined : next,
  }
}
