import { pino, type DestinationStream, type Logger } from 'pino'

export type { Logger } from 'pino'

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/**
 * Keys that never reach the log. No line is meant to carry one: this is for the line that somebody writes in a hurry.
 * Places are named one by one: a wildcard costs more time than all the rest of a line.
 */
const SECRET_PLACES = [
  ...['env', 'key', 'token', 'authorization', 'password', 'patch', 'pod', 'object'],
  ...['headers.authorization', 'request.object', 'review.request.object'],
]

export interface LoggerOptions {
  readonly level: LogLevel
  /** where the lines go; standard output where it is absent */
  readonly destination?: DestinationStream | undefined
}

/** A logger that writes one JSON object a line. */
export function createLogger({ level, destination }: LoggerOptions): Logger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: SECRET_PLACES, remove: true },
  }
  return destination === undefined ? pino(options) : pino(options, destination)
}

/**
 * Standard output for who logs thousands of lines a second: written by 4 KiB, and each tenth of a second what there is; a fatal line
 * and the end of the process write the rest at once. A write of its own for each line costs more than all else about it.
 */
export function gatheredOutput(): DestinationStream {
  return pino.destination({ fd: 1, sync: false, minLength: 4096, periodicFlush: 100 })
}
