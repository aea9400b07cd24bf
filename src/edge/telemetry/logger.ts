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

/**
 * Characters after which lines are written and how long the first of them waits at most; how many may wait for a reader that is slow, how
 * soon it is tried again, and for how long the end of the process waits for one that reads nothing.
 */
const GATHERED = { characters: 16_384, ms: 100, most: 4 * 1024 * 1024, againMs: 10, lastMs: 5_000 }
const NOTHING = Buffer.alloc(0)

/**
 * Standard output for who logs thousands of lines a second: a write of its own for each line costs more than all else about it. A
 * fatal line and the end of the process write the rest at once. `dropped` is told of each line for which there is no room.
 */
export function gatheredOutput(dropped: () => void): DestinationStream & { readonly flushSync: () => void } {
  let lines = ''
  /** what was to be written and the reader has not taken */
  let rest: Buffer = NOTHING
  let timer: NodeJS.Timeout | undefined
  const flush = (): void => {
    clearTimeout(timer)
    timer = undefined
    rest = unwritten(rest)
    if (rest.length === 0) {
      rest = unwritten(Buffer.from(lines))
      lines = ''
    }
    if (rest.length > 0) timer = setTimeout(flush, GATHERED.againMs).unref()
  }
  const flushSync = (): void => {
    flush()
    for (let until = performance.now() + GATHERED.lastMs; rest.length > 0 && performance.now() < until;) {
      const { length } = rest
      sleepSync(GATHERED.againMs)
      flush()
      if (rest.length < length) until = performance.now() + GATHERED.lastMs
    }
  }
  process.once('exit', flushSync)
  const write = (line: string): void => {
    if (rest.length + lines.length > GATHERED.most) {
      dropped()
      return
    }
    lines += line
    if (rest.length === 0 && lines.length >= GATHERED.characters) flush()
    else timer ??= setTimeout(flush, GATHERED.ms).unref()
  }
  return { write, flushSync }
}

/** Writes to standard output what its reader takes now, and gives the rest; nothing where nobody reads any more, and nobody could be told. */
function unwritten(bytes: Buffer): Buffer {
  let rest = bytes
  try {
    // the descriptor of the stream, which opens a pipe so that no write waits for its reader
    while (rest.length > 0) rest = rest.subarray(writeSync(process.stdout.fd, rest))
    return NOTHING
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EAGAIN' ? rest : NOTHING
  }
}

function sleepSync(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}
