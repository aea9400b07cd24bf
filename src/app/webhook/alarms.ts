import type { Reason } from '../../core/vocabulary/reasons.ts'
import type { FactSource } from './snapshot.ts'

/** How many seconds old facts may be until a policy says otherwise. */
const UNKNOWN_MAX_STALE = 1800

/** What is wrong with the facts that decisions rest on. It holds for every replica alike, so it makes none unready. */
export function factAlarms(source: FactSource): readonly Reason[] {
  const current = source.current()
  if (current.is === 'not_synced') return []
  const stale = staleness(
    source,
    current.is === 'snapshot' ? current.snapshot.policy.maxStaleSeconds : UNKNOWN_MAX_STALE,
  )
  if (current.is === 'configuration')
    return [{ code: 'configuration_missing', args: { problem: current.why } }, ...stale]
  const unusable = [...source.problems()].map(([configuration, problem]): Reason => ({
    code: 'configuration_unusable',
    args: { configuration, problem },
  }))
  return [...unusable, ...stale]
}

function staleness(source: FactSource, maxSeconds: number): readonly Reason[] {
  const age = source.ageSeconds()
  return age > maxSeconds ? [{ code: 'facts_stale', args: { seconds: Math.ceil(age), maxSeconds } }] : []
}
