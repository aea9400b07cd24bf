import { AGENT_METRICS } from '../../core/vocabulary/metrics.ts'
import { BACKENDS } from '../../edge/host/apply.ts'
import { createMetrics, type Metrics } from '../../edge/telemetry/metrics.ts'
import type { Journal } from './journal.ts'
import type { Loop } from './loop.ts'
import type { NodePods } from './node-pods.ts'
import type { Redirector } from './redirector.ts'

export type AgentMetrics = Metrics<typeof AGENT_METRICS>

export function agentMetrics(): AgentMetrics {
  return createMetrics(AGENT_METRICS)
}

/** What the gauges show. */
export interface Gauged {
  readonly redirector: Redirector
  readonly loops: readonly Loop[]
  readonly pods: NodePods
  readonly journal: Journal
}

/** Sets every gauge to what is true now. */
export function setGauges(metrics: AgentMetrics, { redirector, loops, pods, journal }: Gauged): void {
  const { picked } = redirector
  for (const backend of BACKENDS)
    metrics.set('sluice_agent_backend', { backend }, picked.is === 'picked' && picked.backend === backend ? 1 : 0)
  for (const { name, ageMs } of loops) metrics.set('sluice_agent_loop_age_seconds', { loop: name }, ageMs / 1000)
  metrics.set('sluice_facts_age_seconds', {}, Number.isFinite(pods.ageMs) ? pods.ageMs / 1000 : -1)
  metrics.set('sluice_journal_entries', {}, journal.all().length)
}
