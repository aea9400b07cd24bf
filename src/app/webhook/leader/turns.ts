import type { Clock } from '../../../edge/cluster/clock.ts'

/** When a duty looks again. */
export interface TurnLimits {
  /** whether something changed */
  readonly lookMs: number
  /** after a turn that left something undone */
  readonly againMs: number
  /** although nothing changed */
  readonly anywayMs: number
}

export const TURN_LIMITS: TurnLimits = { lookMs: 500, againMs: 5_000, anywayMs: 30_000 }

export interface TurnsOptions {
  readonly limits: TurnLimits
  readonly clock: Clock
  readonly changed: () => boolean
  /** observe, plan, apply; tells whether everything was done */
  readonly turn: () => Promise<boolean>
  readonly report: (error: unknown) => void
}

/** Turns until `signal` aborts. A turn that throws is a bug: it is reported, and the next one begins anew. */
export async function turns(
  { limits, clock, changed, turn, report }: TurnsOptions,
  signal: AbortSignal,
): Promise<void> {
  let dueMs = 0
  while (!signal.aborted) {
    if (changed() || clock.now() >= dueMs) {
      const done = await turn().catch((error: unknown) => {
        if (!signal.aborted) report(error)
        return false
      })
      dueMs = clock.now() + (done ? limits.anywayMs : limits.againMs) * (1 + clock.random() / 4)
    }
    await clock.sleep(limits.lookMs, signal)
  }
}
