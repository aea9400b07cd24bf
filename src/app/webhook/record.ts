import { logFields } from '../../core/explain/log-fields.ts'
import type { Findings } from '../../core/explain/outcome.ts'
import { WEBHOOK_METRICS } from '../../core/vocabulary/metrics.ts'
import type { Logger } from '../../edge/telemetry/logger.ts'
import { createMetrics, type Metrics } from '../../edge/telemetry/metrics.ts'
import { BUILD_LABELS } from '../build.ts'
import type { Told } from './admission-memo.ts'
import { FAILURES, type Failure } from './failure.ts'

export type WebhookMetrics = Metrics<typeof WEBHOOK_METRICS>

export function webhookMetrics(): WebhookMetrics {
  const metrics = createMetrics(WEBHOOK_METRICS)
  metrics.set('sluice_build_info', BUILD_LABELS, 1)
  return metrics
}

/** The only place where a request leaves traces: one log line and its metrics. */
export interface Recorder {
  readonly arrived: () => void
  readonly answered: (told: Told, seconds: number) => void
  readonly failed: (failure: Failure) => void
}

export function createRecorder(log: Logger, metrics: WebhookMetrics): Recorder {
  return {
    arrived: () => metrics.add('sidecar_injection_requests_total', {}),
    answered: ({ account, remembered }, seconds) => {
      metrics.add('sidecar_injection_success_total', {})
      metrics.observe('sidecar_injection_time_seconds', {}, seconds)
      metrics.observe('sluice_admission_duration_seconds', {}, seconds)
      if (remembered) metrics.add('sluice_admission_remembered_total', {})
      const { uid, namespace, kind, name, dryRun, operation, decided, explained } = account
      if (explained !== undefined) {
        const { is, reason } = explained.decision
        metrics.add('sluice_admission_explanations_total', { decision: is, reason: reason.code })
        log.info({ uid, namespace, kind, name, dryRun, ...logFields(explained) }, 'explained')
        return
      }
      if (decided === undefined) {
        log.debug({ uid, namespace, operation, kind }, 'allowed untouched')
        return
      }
      count(metrics, decided.findings, dryRun)
      const { findings, changes } = decided
      log.info({ uid, namespace, name, dryRun, ...logFields(findings), changes, ms: seconds * 1000 }, 'decided')
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
