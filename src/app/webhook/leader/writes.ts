import { ApiError, hasStatus } from '../../../edge/cluster/api-error.ts'
import type { Logger } from '../../../edge/telemetry/logger.ts'
import type { WebhookMetrics } from '../record.ts'

/** What the leader writes; each is a label value of `sluice_leader_writes_total`. */
export type Written = 'node' | 'ca_bundle' | 'guard_keys' | 'eviction' | 'event'

/**
 * How a write ended. `conflict`: somebody else was faster, and the next turn looks again; `gone`: there is nothing to write
 * to any more; `refused`: a disruption budget does not allow it now; `failed`: anything else.
 */
export type WriteResult = 'done' | 'conflict' | 'gone' | 'refused' | 'failed'

/** Does one write of the leader: counted in any case, logged where it failed; throws only when leading is over. */
export async function write(
  what: Written,
  call: () => Promise<unknown>,
  { log, metrics, signal, about }: { log: Logger; metrics: WebhookMetrics; signal: AbortSignal; about: object },
): Promise<WriteResult> {
  signal.throwIfAborted()
  const result = await call().then(
    () => 'done' as const,
    (error: unknown) => {
      signal.throwIfAborted()
      const why = resultOf(error)
      if (why === 'failed') log.warn({ what, ...about, problem: problemOf(error) }, 'a write of the leader failed')
      return why
    },
  )
  metrics.add('sluice_leader_writes_total', { what, result })
  return result
}

function resultOf(error: unknown): WriteResult {
  if (hasStatus(error, 409)) return 'conflict'
  if (hasStatus(error, 404)) return 'gone'
  if (hasStatus(error, 429)) return 'refused'
  return 'failed'
}

/** What the network and the API server do is a sentence, the rest is a bug and keeps its stack. */
function problemOf(error: unknown): string {
  if (error instanceof ApiError) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
