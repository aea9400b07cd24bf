import { remedy, sentence, type Reason } from '../../core/vocabulary/reasons.ts'
import type { Logger } from '../../edge/telemetry/logger.ts'
import type { WebhookMetrics } from './record.ts'
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

/** Tells people when an alarm begins and when it is over: once each in the log, and all the time as a metric. */
export class Alarms {
  readonly #log: Logger
  readonly #metrics: WebhookMetrics
  #before = new Map<string, Reason>()

  constructor(log: Logger, metrics: WebhookMetrics) {
    this.#log = log
    this.#metrics = metrics
  }

  /** Takes all that is wrong now. */
  observe(now: readonly Reason[]): void {
    const raised = new Map(now.map((reason) => [subjectOf(reason), reason]))
    for (const [subject, reason] of raised)
      if (!this.#before.has(subject))
        this.#log.error({ reason: reason.code, fix: remedy(reason) }, `alarm: ${sentence(reason)}`)
    for (const [subject, reason] of this.#before)
      if (!raised.has(subject)) this.#log.info({ reason: reason.code }, `over: ${sentence(reason)}`)
    const codes = now.map(({ code }) => code)
    for (const { code } of this.#before.values()) this.#metrics.set('sluice_alarms', { reason: code }, 0)
    for (const code of codes)
      this.#metrics.set('sluice_alarms', { reason: code }, codes.filter((other) => other === code).length)
    this.#before = raised
  }
}

/** What an alarm is about: ages and counts in its sentence change while it is the same alarm. */
function subjectOf({ code, args }: Reason): string {
  return JSON.stringify([code, args], (_key, value: unknown) => (typeof value === 'number' ? 0 : value))
}
