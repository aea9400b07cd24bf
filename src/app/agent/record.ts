import { sentence } from '../../core/vocabulary/reasons.ts'
import { AGENT_METRICS } from '../../core/vocabulary/metrics.ts'
import { BACKENDS } from '../../edge/host/apply.ts'
import type { Logger } from '../../edge/telemetry/logger.ts'
import { createMetrics, type Metrics } from '../../edge/telemetry/metrics.ts'
import { BUILD_LABELS } from '../build.ts'
import type { CniOutcome } from './cni/answer.ts'
import type { PodQueue } from './cni/pod-queue.ts'
import type { CniRequest } from './cni/request.ts'
import type { Installer } from './installer/installer.ts'
import type { Journal } from './journal.ts'
import type { Loop } from './loop.ts'
import type { NodePods } from './node-pods.ts'
import type { Redirector } from './redirector.ts'

export type AgentMetrics = Metrics<typeof AGENT_METRICS>

export function agentMetrics(): AgentMetrics {
  const metrics = createMetrics(AGENT_METRICS)
  metrics.set('sluice_build_info', BUILD_LABELS, 1)
  return metrics
}

/** What the gauges show. */
export interface Gauged {
  readonly redirector: Redirector
  readonly loops: readonly Loop[]
  readonly pods: NodePods
  readonly journal: Journal
  readonly queue: PodQueue
  readonly installer: Installer
}

/** Sets every gauge to what is true now. */
export function setGauges(metrics: AgentMetrics, { redirector, loops, pods, journal, queue, installer }: Gauged): void {
  const { picked } = redirector
  for (const backend of BACKENDS)
    metrics.set('sluice_agent_backend', { backend }, picked.is === 'picked' && picked.backend === backend ? 1 : 0)
  for (const { name, ageMs } of loops) metrics.set('sluice_agent_loop_age_seconds', { loop: name }, ageMs / 1000)
  metrics.set('sluice_facts_age_seconds', {}, Number.isFinite(pods.ageMs) ? pods.ageMs / 1000 : -1)
  metrics.set('istio_cni_install_ready', {}, installer.state().ready ? 1 : 0)
  metrics.set('sluice_journal_entries', {}, journal.all().length)
  metrics.set('sluice_cni_in_flight', {}, queue.length)
}

/** The only place where a request of the plugin leaves traces: one log line and its metrics. */
export function recordRequest(
  log: Logger,
  metrics: AgentMetrics,
): (request: CniRequest | null, outcome: CniOutcome, seconds: number) => void {
  return (request, { is, reason }, seconds) => {
    const command = request?.command ?? 'unreadable'
    metrics.add('sluice_cni_requests_total', { command, result: is, reason: reason.code })
    metrics.observe('sluice_cni_duration_seconds', { phase: 'total' }, seconds)
    const { containerId, pod } = request ?? {}
    const fields = { command, ...pod, containerId, result: is, reason: reason.code, seconds }
    if (is === 'refused') log.warn(fields, `refused: ${sentence(reason)}`)
    else log[is === 'redirected' ? 'info' : 'debug'](fields, sentence(reason))
  }
}
