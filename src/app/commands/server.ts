import type { Endpoint } from '../../edge/telemetry/page-server.ts'
import { LOG_LEVELS, type LogLevel } from '../../edge/telemetry/logger.ts'
import { CertificateError } from '../../edge/tls/certificate.ts'
import { CommandFailure, type FlagRow, type FlagValues, UsageError } from './command.ts'
import { reasonOf } from './input.ts'

/** What the commands that serve share: addresses, log level, start and stop. */
export const LOG_LEVEL_FLAG: FlagRow = {
  name: 'log-level',
  value: 'LEVEL',
  choices: LOG_LEVELS,
  default: 'info',
  help: 'the least important lines that are written',
}

export function logLevel(flags: FlagValues): LogLevel {
  return LOG_LEVELS.find((level) => level === flags['log-level']) ?? 'info'
}

/** `host:port`, IPv6 in brackets. */
export function endpoint(flags: FlagValues, name: string): Endpoint {
  const text = flags[name] ?? ''
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:\s]*)):(\d{1,5})$/i.exec(text)
  const port = Number(match?.[3])
  if (match === null || port > 65_535)
    throw new UsageError(`--${name} is '${text}'; it must be host:port, for example 127.0.0.1:8443`)
  return { host: match[1] ?? match[2] ?? '', port }
}

/** A number of seconds. */
export function seconds(flags: FlagValues, name: string): number {
  const text = flags[name] ?? ''
  if (!/^\d{1,4}(\.\d+)?$/.test(text)) throw new UsageError(`--${name} is '${text}'; it must be a number of seconds`)
  return Number(text)
}

/** What people can mend (a taken port, an unreadable certificate) is a sentence; the rest is a bug and keeps its stack. */
export function starting(who: string, error: unknown): unknown {
  if (error instanceof CertificateError) return new CommandFailure(error.message, { cause: error })
  if (error instanceof Error && 'code' in error && typeof error.code === 'string')
    return new CommandFailure(`the ${who} cannot start: ${reasonOf(error)} (${error.message})`, { cause: error })
  return error
}

/** Resolves when the process is told to stop. */
export async function stopped(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
}
