import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../../edge/telemetry/logger.ts'

/**
 * Something that the agent does for as long as it runs. Its heartbeat is what liveness goes by: a loop that no longer turns
 * is mended by nothing but a restart. What only waits for the API server turns all the same.
 */
export interface Loop {
  readonly name: string
  /** how old a heartbeat may be before the loop counts as stuck */
  readonly staleMs: number
  /** since its last completed turn, or since it was made */
  readonly ageMs: number
  /** works until `signal` aborts; never throws */
  readonly run: (signal: AbortSignal) => Promise<void>
}

export interface PeriodicOptions {
  readonly name: string
  readonly everyMs: number
  /** one turn: observe, plan, apply */
  readonly turn: (signal: AbortSignal) => void | Promise<void>
  /** a turn that throws is a bug of that turn alone: the next one comes in its time */
  readonly report: (error: unknown) => void
}

/** What a turn may take beyond its period. */
const PATIENCE_MS = 120_000

/** A loop that turns at once, and again and again `everyMs` after each turn. */
export function periodic({ name, everyMs, turn, report }: PeriodicOptions): Loop {
  let turnedAt = performance.now()
  return {
    name,
    staleMs: everyMs + PATIENCE_MS,
    get ageMs() {
      return performance.now() - turnedAt
    },
    run: async (signal) => {
      while (!signal.aborted) {
        try {
          await turn(signal)
        } catch (error) {
          report(error)
        }
        turnedAt = performance.now()
        await sleep(everyMs, undefined, { signal }).catch(() => undefined)
      }
    },
  }
}

/** Logs that a turn of `loop` threw. */
export function reportTurn(log: Pick<Logger, 'error'>, loop: string): PeriodicOptions['report'] {
  return (err) => log.error({ err, loop }, 'a turn failed; the next one comes in its time')
}
