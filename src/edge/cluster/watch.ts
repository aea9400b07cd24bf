import type { IncomingMessage } from 'node:http'
import { ApiError } from './api-error.ts'
import { isApiObject, partOf, type ApiObject } from './api-object.ts'
import type { Connection } from './connection.ts'
import { pathOf, withQuery, type Query, type Target } from './resource.ts'
import { exchange } from './transport.ts'

export const EVENT_TYPES = ['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK'] as const

export interface WatchEvent {
  readonly type: (typeof EVENT_TYPES)[number]
  readonly object: ApiObject
}

export interface WatchLimits {
  /** for the head of the answer */
  readonly headMs: number
  /** without a byte; bookmarks come about once a minute where etcd reports its progress */
  readonly idleMs: number
  /** of one event; the API server stores objects of up to 3 MiB */
  readonly eventBytes: number
  readonly signal: AbortSignal
}

const NEWLINE = 0x0a

/**
 * One watch request: `onOpen` when the server has taken it, then `onEvent` for each event. Tells whether the server ended it
 * or it was cut after a silence, which may be a dead connection or a quiet collection: nobody can tell. Throws `ApiError` where the server refused or sent an event of type ERROR (410: the version asked for
 * is too old), `TransportError` where no head came or the connection broke.
 */
export async function watch(
  connection: Connection,
  target: Target,
  query: Query,
  { headMs, idleMs, eventBytes, signal }: WatchLimits,
  { onOpen, onEvent }: { readonly onOpen: () => void; readonly onEvent: (event: WatchEvent) => void },
): Promise<'ended' | 'silent'> {
  const path = withQuery(pathOf(target), { ...query, watch: true })
  return await exchange(connection, { method: 'GET', path }, { headMs, signal }, async (answer, watchdog) => {
    const alive = (): void => watchdog.feed(idleMs, `the watch was silent for ${idleMs} ms`)
    alive()
    onOpen()
    try {
      for await (const line of linesOf(answer, eventBytes, alive)) onEvent(eventOf(line, pathOf(target)))
      return 'ended'
    } catch (error) {
      if (watchdog.bit === undefined) throw error
      return 'silent'
    }
  })
}

async function* linesOf(answer: IncomingMessage, maxBytes: number, onBytes: () => void): AsyncGenerator<string> {
  let parts: Buffer[] = []
  let bytes = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    onBytes()
    let from = 0
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      parts.push(chunk.subarray(from, end))
      yield Buffer.concat(parts).toString('utf8')
      parts = []
      bytes = 0
      from = end + 1
    }
    bytes += chunk.length - from
    if (bytes > maxBytes) throw new Error(`an event is longer than ${maxBytes} bytes`)
    if (from < chunk.length) parts.push(chunk.subarray(from))
  }
}

function eventOf(line: string, path: string): WatchEvent {
  const { type, object } = partOf(JSON.parse(line))
  if (type === 'ERROR') {
    const { code } = partOf(object)
    throw new ApiError(`watch ${path}`, typeof code === 'number' ? code : 500, object)
  }
  const known = EVENT_TYPES.find((name) => name === type)
  if (known === undefined || !isApiObject(object)) throw new Error('the watch sent something that is not an event')
  return { type: known, object }
}
