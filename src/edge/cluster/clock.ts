import { setTimeout as sleep } from 'node:timers/promises'

/** Time and chance, as arguments: tests bring their own. */
export interface Clock {
  /** milliseconds since some moment, never turned back */
  readonly now: () => number
  /** resolves after `ms`, or as soon as `signal` aborts */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  /** at least 0, less than 1 */
  readonly random: () => number
}

export const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  sleep: async (ms, signal) => {
    try {
      await sleep(ms, undefined, { signal })
    } catch (error) {
      if (!signal.aborted) throw error
    }
  },
  random: Math.random,
}
