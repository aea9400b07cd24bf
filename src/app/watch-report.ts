import type { ListWatchProblem } from '../edge/cluster/list-watch-options.ts'
import type { Logger } from '../edge/telemetry/logger.ts'
import { messageOf } from '../edge/message-of.ts'

/** Counts a problem of the watch of `kind`. */
type WatchCounter = (labels: { readonly kind: string; readonly at: ListWatchProblem['at'] }) => void

/** Logs and counts the problems of watches. A watch goes on after each of them. */
export function reportWatch(log: Logger, count: WatchCounter): (kind: string, problem: ListWatchProblem) => void {
  return (kind, { at, error, againMs, key }) => {
    count({ kind, at })
    // a failed request is the network's or the API server's doing: a sentence is enough; the rest is a bug and keeps its stack
    const problem = messageOf(error)
    const fields = { kind, at, key, againMs, ...(at !== 'request' && { err: error }) }
    log.warn(fields, `a watch has a problem and goes on: ${problem}`)
  }
}
