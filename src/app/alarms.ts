import { type Reason, type ReasonCode, remedy, sentence } from '../core/vocabulary/reasons.ts'
import type { Logger } from '../edge/telemetry/logger.ts'

/** Shows how many alarms of a kind are on. */
type AlarmGauge = (reason: ReasonCode, count: number) => void

/** Tells people when an alarm begins and when it is over: once each in the log, and all the time as a metric. */
export class Alarms {
  readonly #log: Logger
  readonly #gauge: AlarmGauge
  #before = new Map<string, Reason>()

  constructor(log: Logger, gauge: AlarmGauge) {
    this.#log = log
    this.#gauge = gauge
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
    for (const { code } of this.#before.values()) this.#gauge(code, 0)
    for (const code of codes) this.#gauge(code, codes.filter((other) => other === code).length)
    this.#before = raised
  }
}

/** What an alarm is about: ages and counts in its sentence change while it is the same alarm. */
function subjectOf({ code, args }: Reason): string {
  return JSON.stringify([code, args], (_key, value: unknown) => (typeof value === 'number' ? 0 : value))
}
