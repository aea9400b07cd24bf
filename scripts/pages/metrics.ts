import { AGENT_METRICS, type MetricRow, WEBHOOK_METRICS } from '../../src/core/vocabulary/metrics.ts'
import { type Page, table } from './page.ts'

/** docs/metrics.md: every metric, by who measures it. */
export const METRICS_PAGE: Page = {
  path: 'docs/metrics.md',
  text: async () =>
    await Promise.resolve(
      [
        '# Metrics',
        'Served at `/metrics` on port 15014 of webhook and agents, beside the usual figures of the process. Names under `sidecar_injection_` and `istio_cni_` and `ztunnel_connected` are Istio’s, with Istio’s meaning. Labels take values of closed sets only, never a namespace, a pod or a free text; `reason` is a code of [reasons](reasons.md). The chart’s PodMonitor adds `node` to what agents measure. [Alerts](alerts.md) rest on them. Made by `npm run generate` from `src/core/vocabulary/metrics.ts`.',
        '## The webhook',
        rowsOf(WEBHOOK_METRICS),
        '## The agent',
        rowsOf(AGENT_METRICS),
        '',
      ].join('\n\n'),
    ),
}

function rowsOf(metrics: Readonly<Record<string, MetricRow>>): string {
  return table(
    ['metric', 'type', 'labels', 'meaning'],
    Object.entries(metrics).map(([name, { type, labels, help }]) => [
      `\`${name}\``,
      type,
      labels.map((label) => `\`${label}\``).join(', '),
      help,
    ]),
  )
}
