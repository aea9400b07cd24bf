import { ownUsage } from '../support/usage.ts'

/** The first message of a server. */
export interface ServerReady {
  readonly port: number
  readonly ca: string
}

/** Answers every message with what this process uses; ends with whoever started it. */
export function answerUsage(): void {
  process.on('message', () => process.send?.(ownUsage()))
  process.on('disconnect', () => process.exit())
  process.on('SIGTERM', () => process.exit())
}
