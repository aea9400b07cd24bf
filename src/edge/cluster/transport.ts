import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { ApiError, TransportError } from './api-error.ts'
import type { Connection } from './connection.ts'
import { Watchdog } from './watchdog.ts'
import { messageOf } from '../message-of.ts'

const TCP_KEEP_ALIVE_MS = 30_000
/** The answer to a refused request is a Status object. */
const ERROR_BYTES = 64 * 1024

/** One request: `path` with its query, and the body with its type. */
export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly body?: { readonly type: string; readonly text: string }
}

/**
 * Sends one request, gives the head of its answer to `use` and waits for that: the body is read or destroyed when it ends.
 * The watchdog given along bites after `headMs` without a head; `use` may feed it. Throws `ApiError` for every status but
 * 2xx, `TransportError` where the answer did not come whole or in time, and the signal's reason when that aborted.
 */
export async function exchange<T>(
  connection: Connection,
  call: Call,
  { headMs, signal }: { readonly headMs: number; readonly signal: AbortSignal },
  use: (answer: IncomingMessage, watchdog: Watchdog) => Promise<T>,
): Promise<T> {
  const what = `${call.method} ${call.path.split('?', 1)[0] ?? ''}`
  const watchdog = new Watchdog(signal)
  watchdog.feed(headMs, `no answer within ${headMs} ms`)
  let answer: IncomingMessage | undefined
  try {
    answer = await head(connection, call, watchdog.signal)
    const status = answer.statusCode ?? 0
    if (status >= 200 && status < 300) return await use(answer, watchdog)
    throw new ApiError(what, status, parsed(await readText(answer, ERROR_BYTES)), retryAfterMs(answer))
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof ApiError) throw error
    throw new TransportError(what, watchdog.bit ?? describe(error), { cause: error })
  } finally {
    watchdog.end()
    // an answer that was read to its end gives its socket back, any other is cut
    answer?.destroy()
  }
}

async function head(connection: Connection, call: Call, signal: AbortSignal): Promise<IncomingMessage> {
  const { agent, headers, auth } = await connection.options()
  signal.throwIfAborted()
  const { body } = call
  const outgoing = request(`${connection.server.replace(/\/$/, '')}${call.path}`, {
    method: call.method,
    agent,
    auth,
    signal,
    headers: { ...headers, accept: 'application/json', ...(body === undefined ? {} : { 'content-type': body.type }) },
  })
  outgoing.on('socket', (socket) => socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS))
  // once the head is there, an error shows at the answer, too
  outgoing.on('error', () => undefined)
  outgoing.end(body?.text)
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
  return answer
}

/** The whole body as text; throws where it is longer than `maxBytes`. */
export async function readText(answer: IncomingMessage, maxBytes: number): Promise<string> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of answer as AsyncIterable<Buffer>) {
    bytes += part.length
    if (bytes > maxBytes) throw new Error(`the answer is longer than ${maxBytes} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function retryAfterMs({ headers }: IncomingMessage): number | undefined {
  const seconds = Number(headers['retry-after'])
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : undefined
}

function describe(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(describe).join('; ')
  return messageOf(error)
}
