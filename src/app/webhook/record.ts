import { logFields } from '../../core/explain/log-fields.ts'
import type { Findings } from '../../core/explain/outcome.ts'
import { objectOr, stringOr } from '../../core/json/value.ts'
import { WEBHOOK_METRICS } from '../../core/vocabulary/metrics.ts'
import type { Logger } from '../../edge/telemetry/logger.ts'
import { createMetrics, type Metrics } from '../../edge/telemetry/metrics.ts'
import type { Admission } from './admit.ts'
import { FAILURES, type Failure } from './failure.ts'

export type WebhookMetrics = Metrics<typeof WEBHOOK_METRICS>

export function webhookMetrics(): WebhookMetrics {
  return createMetrics(WEBHOOK_METRICS)
}

/** The only place where a request leaves traces: one log line and its metrics. */
export interface Recorder {
  readonly arrived: () => void
  readonly answered: (admission: Admission, seconds: number) => void
  readonly failed: (failure: Failure) => void
}

/** The longest name that an object can have; before validation a request may bring more. */
const LONGEST_NAME = 253

export function createRecorder(log: Logger, metrics: WebhookMetrics): Recorder {
  return {
    arrived: () => metrics.add('sidecar_injection_requests_total', {}),
    answered: (admission, seconds) => {
      metrics.add('sidecar_injection_success_total', {})
      metrics.observe('sidecar_injection_time_seconds', {}, seconds)
      metrics.observe('sluice_admission_duration_seconds', {}, seconds)
      const { review, decided, explained } = admission
      if (explained !== undefined) {
        const { uid, namespace, kind, dryRun } = review
        const { is, reason } = explained.decision
        metrics.add('sluice_admission_explanations_total', { decision: is, reason: reason.code })
        const fields = { uid, namespace, kind: kind.name, name: nameOf(admission), dryRun, ...logFields(explained) }
        log.info(fields, 'explained')
        return
      }
      if (decided === undefined) {
        const { uid, namespace, operation, kind } = review
        log.debug({ uid, namespace, operation, kind: kind.name }, 'allowed untouched')
        return
      }
      count(metrics, decided.findings, review.dryRun)
      const { uid, namespace, dryRun } = review
      const fields = { uid, namespace, name: nameOf(admission), dryRun, ...logFields(decided.findings) }
      log.info({ ...fields, changes: decided.changes, ms: seconds * 1000 }, 'decided')
    },
    failed: (failure) => {
      metrics.add('sidecar_injection_failure_total', {})
      metrics.add('sluice_admission_failures_total', { cause: failure.code })
      const own = FAILURES[failure.code].status === 500
      log[own ? 'error' : 'warn']({ cause: failure.code, ...(own && { err: failure.cause }) }, failure.message)
    },
  }
}

function count(metrics: WebhookMetrics, { decision, warnings, netAdmin }: Findings, dryRun: boolean): void {
  const dry_run = String(dryRun)
  const mode = decision.is === 'meshed' ? decision.mode : 'none'
  const reason = decision.reason.code
  metrics.add('sluice_admission_decisions_total', { decision: decision.is, mode, reason, dry_run })
  for (const rejected of decision.rejected)
    metrics.add('sluice_admission_rejected_modes_total', { mode: rejected.mode, reason: rejected.reason.code, dry_run })
  for (const warning of warnings) metrics.add('sluice_admission_warnings_total', { reason: warning.code, dry_run })
  if (decision.is === 'left') metrics.add('sidecar_injection_skip_total', {})
  if (decision.is === 'refused') metrics.add('sidecar_injection_failure_total', {})
  if (!dryRun && netAdmin.length > 0) metrics.add('sluice_net_admin_grants_total', { reason }, netAdmin.length)
}

function nameOf({ review }: Admission): string {
  const metadata = objectOr(review.object?.['metadata'])
  const name = stringOr(metadata['name']) ?? `${stringOr(metadata['generateName']) ?? ''}*`
  return name.slice(0, LONGEST_NAME)
}
