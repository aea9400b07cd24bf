import { partOf, textOf } from './api-object.ts'

/** The API server answered, and the answer was no; `message` is one sentence with what was asked. */
export class ApiError extends Error {
  /** of HTTP, or of the Status object inside a watch */
  readonly status: number
  /** of the Status object, such as `Conflict`; empty where there was none */
  readonly reason: string
  /** how long the server asks to be left alone */
  readonly retryAfterMs: number | undefined

  constructor(what: string, status: number, body: unknown, retryAfterMs?: number) {
    const { reason, message } = partOf(body)
    super(`${what}: ${status} ${[textOf(reason), textOf(message)].filter((part) => part !== '').join(': ')}`.trimEnd())
    this.name = 'ApiError'
    this.status = status
    this.reason = textOf(reason)
    this.retryAfterMs = retryAfterMs
  }
}

/** No usable answer came: no connection, a time-out, a cut or an unreadable body. */
export class TransportError extends Error {
  constructor(what: string, problem: string, options?: ErrorOptions) {
    super(`${what}: ${problem}`, options)
    this.name = 'TransportError'
  }
}

/** Did the API server say `status`? */
export function hasStatus(error: unknown, status: number): boolean {
  return error instanceof ApiError && error.status === status
}
