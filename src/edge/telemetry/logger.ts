import { writeSync } from 'node:fs'
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

/** Characters after which lines are written, and how long the first of them waits at most. */
const GATHERED = { characters: 16_384, ms: 100 }

/**
 * Standard output for who logs thousands of lines a second: a write of its own for each line costs more than all else about it. A
 * fatal line and the end of the process write the rest at once.
 */
export function gatheredOutput(): DestinationStream & { readonly flushSync: () => void } {
  const output = pino.destination({ fd: 1, sync: false })
  let lines = ''
  let timer: NodeJS.Timeout | undefined
  const take = (): string => {
    clearTimeout(timer)
    timer = undefined
    const taken = lines
    lines = ''
    return taken
  }
  const flush = (): void => void output.write(take())
  const flushSync = (): void => {
    try {
      writeSync(1, take())
    } catch {
      // nobody reads any more, and nobody could be told
    }
  }
  process.once('exit', flushSync)
  const write = (line: string): void => {
    lines += line
    if (lines.length >= GATHERED.characters) flush()
    else timer ??= setTimeout(flush, GATHERED.ms).unref()
  }
  return { write, flushSync }
}
