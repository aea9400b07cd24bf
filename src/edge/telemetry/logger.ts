import { pino, type DestinationStream, type Logger } from 'pino'

export type { Logger } from 'pino'

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/**
 * Keys that never reach the log, wherever a line carries them one or two levels deep. No line is meant to: this is for the
 * one that somebody writes in a hurry.
 */
const SECRET_KEYS = ['env', 'key', 'token', 'authorization', 'password', 'patch', 'pod', 'object']

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
    redact: { paths: SECRET_KEYS.flatMap((key) => [key, `*.${key}`]), remove: true },
  }
  return destination === undefined ? pino(options) : pino(options, destination)
}
