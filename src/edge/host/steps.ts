import { setImmediate, setTimeout } from 'node:timers/promises'
import { waitFor, type Waited } from './sockets.ts'

/** What a job in steps waits for before the next one: the first of `sockets` that has something to tell, at most `ms`. */
export interface Wait {
  readonly sockets: readonly Waited[]
  readonly ms: number
}

/**
 * A job that gives the thread away each time it yields, and is told then which of the sockets have something to tell. Between
 * two steps the thread is at home, since no namespace can be entered across a `yield`; what a job opened it closes in a
 * `finally`, which also runs where nobody goes on with it.
 */
export type Steps<T> = Generator<Wait, T, readonly boolean[]>

/** Is it a job that is still to be walked through? What a job gives is plain data. */
export function isSteps<T>(gives: T | Steps<T>): gives is Steps<T> {
  return gives instanceof Iterator
}

const LONGEST_PAUSE_MS = 8

/** Walks through all `steps`. Other work of the thread comes in between; `onWait` is told each time, and for how long this job waits. */
export async function walk<T>(steps: Steps<T>, onWait: (ms: number) => void, signal: AbortSignal): Promise<T> {
  using walked = steps
  for (let step = walked.next([]); ;) {
    if (step.done === true) return step.value
    // also where nothing is waited for: what others have the thread for does not count as this job's time
    onWait(step.value.ms)
    step = walked.next(await waited(step.value, signal))
  }
}

/**
 * Looks in growing intervals: a descriptor can be polled from anywhere, and a call that waits for it would keep the thread. What
 * came just before the end is seen, however late the last look is.
 */
async function waited({ sockets, ms }: Wait, signal: AbortSignal): Promise<readonly boolean[]> {
  const until = performance.now() + ms
  await setImmediate(undefined, { signal })
  for (let pauseMs = 1; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    const restMs = until - performance.now()
    const ready = waitFor(sockets, 0)
    if (restMs <= 0 || ready.includes(true)) return ready
    await setTimeout(Math.min(pauseMs, restMs), undefined, { signal })
  }
}
