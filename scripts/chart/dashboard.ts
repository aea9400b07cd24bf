/** What one picture of the dashboard shows: an expression, and how each of its series is called. */
export interface PanelRow {
  readonly title: string
  readonly expr: string
  readonly legend: string
  readonly kind: 'stat' | 'timeseries' | 'table'
  readonly unit?: 's' | 'percentunit' | 'ops'
}

const grants = 'sum(increase(sluice_net_admin_grants_total[24h]))'
const decided = (window: string): string =>
  `increase(sluice_admission_decisions_total{decision="meshed",dry_run="false"}[${window}])`

/** The pictures by row, as an operator asks: is it well, what is decided, can the nodes, is it proven, how far is the move. */
export const DASHBOARD: Readonly<Record<string, readonly PanelRow[]>> = {
  Overview: [
    {
      title: 'Pods measured outside the mesh',
      expr: 'sum(sluice_proofs{verdict=~"bypassing|partial"})',
      legend: '',
      kind: 'stat',
    },
    { title: 'Pods unproven', expr: 'sum(sluice_proofs{verdict="unknown"})', legend: '', kind: 'stat' },
    { title: 'NET_ADMIN granted in 24 h', expr: grants, legend: '', kind: 'stat' },
    {
      title: 'Certificate ends in',
      expr: 'min(sluice_certificate_not_after_seconds > 0) - time()',
      legend: '',
      kind: 'stat',
      unit: 's',
    },
    {
      title: 'Alarms',
      expr: 'max by (reason, node) (sluice_alarms) > 0',
      legend: '{{reason}} {{node}}',
      kind: 'table',
    },
    {
      title: 'Decisions by mode',
      expr: 'sum by (mode) (rate(sluice_admission_decisions_total{dry_run="false"}[5m]))',
      legend: '{{mode}}',
      kind: 'timeseries',
      unit: 'ops',
    },
    {
      title: 'Reasons',
      expr: 'topk(10, sum by (reason) (rate(sluice_admission_decisions_total{dry_run="false"}[5m])))',
      legend: '{{reason}}',
      kind: 'timeseries',
      unit: 'ops',
    },
    {
      title: 'Time to answer (99%)',
      expr: 'histogram_quantile(0.99, sum by (le) (rate(sluice_admission_duration_seconds_bucket[5m])))',
      legend: 'p99',
      kind: 'timeseries',
      unit: 's',
    },
    {
      title: 'Failures by cause',
      expr: 'sum by (cause) (rate(sluice_admission_failures_total[5m]))',
      legend: '{{cause}}',
      kind: 'timeseries',
      unit: 'ops',
    },
    {
      title: 'Passed without the webhook',
      expr: String.raw`sum by (name) (increase(apiserver_admission_webhook_fail_open_count{name=~".+\\.sluice-mesh\\.io"}[5m]))`,
      legend: '{{name}}',
      kind: 'timeseries',
    },
    {
      title: 'Webhooks and agents by version',
      expr: 'count by (version) (sluice_build_info)',
      legend: '{{version}}',
      kind: 'timeseries',
    },
    {
      title: 'Refused by guard, seal and fence',
      expr: 'sum by (policy) (increase(apiserver_validating_admission_policy_check_total{policy=~"sluice-.*",enforcement_action="deny"}[5m]))',
      legend: '{{policy}}',
      kind: 'timeseries',
    },
  ],
  Nodes: [
    {
      title: 'Nodes by ability',
      expr: 'max by (mode, state) (sluice_nodes)',
      legend: '{{mode}} {{state}}',
      kind: 'timeseries',
    },
    {
      title: 'Nodes by backend',
      expr: 'sum by (backend) (sluice_agent_backend)',
      legend: '{{backend}}',
      kind: 'timeseries',
    },
    {
      title: 'ADD by result',
      expr: 'sum by (result, reason) (rate(sluice_cni_requests_total{command="ADD"}[5m]))',
      legend: '{{result}} {{reason}}',
      kind: 'timeseries',
      unit: 'ops',
    },
    {
      title: 'ADD, the slowest 1% by phase',
      expr: 'histogram_quantile(0.99, sum by (phase, le) (rate(sluice_cni_duration_seconds_bucket[5m])))',
      legend: '{{phase}}',
      kind: 'timeseries',
      unit: 's',
    },
    {
      title: 'Oldest loop of an agent',
      expr: 'topk(5, max by (node, loop) (sluice_agent_loop_age_seconds))',
      legend: '{{node}} {{loop}}',
      kind: 'timeseries',
      unit: 's',
    },
    { title: 'ztunnels connected', expr: 'sum(ztunnel_connected)', legend: 'connected', kind: 'timeseries' },
  ],
  Proofs: [
    {
      title: 'Pods by what was measured',
      expr: 'sum by (mode, verdict) (sluice_proofs)',
      legend: '{{mode}} {{verdict}}',
      kind: 'timeseries',
    },
    {
      title: 'Oldest proof by node',
      expr: 'topk(10, max by (node) (sluice_oldest_proof_seconds))',
      legend: '{{node}}',
      kind: 'timeseries',
      unit: 's',
    },
    {
      title: 'Repairs',
      expr: 'sum by (mode, cure, result) (increase(sluice_repairs_total[15m]))',
      legend: '{{mode}} {{cure}} {{result}}',
      kind: 'timeseries',
    },
    {
      title: 'Evictions',
      expr: 'sum by (reason) (increase(sluice_evictions_total[15m]))',
      legend: '{{reason}}',
      kind: 'timeseries',
    },
  ],
  'Migration init → cni → ambient': [
    {
      title: 'Share of running pods that hold no NET_ADMIN',
      expr: 'sum(sluice_proofs{mode=~"cni|ambient"}) / sum(sluice_proofs)',
      legend: '',
      kind: 'stat',
      unit: 'percentunit',
    },
    { title: 'Running pods by mode', expr: 'sum by (mode) (sluice_proofs)', legend: '{{mode}}', kind: 'timeseries' },
    {
      title: 'New pods by mode, per day',
      expr: `sum by (mode) (${decided('24h')})`,
      legend: '{{mode}}',
      kind: 'timeseries',
    },
    {
      title: 'What ruled cni and ambient out',
      expr: 'topk(10, sum by (mode, reason) (increase(sluice_admission_rejected_modes_total{dry_run="false"}[24h])))',
      legend: '{{mode}} {{reason}}',
      kind: 'table',
    },
    {
      title: 'NET_ADMIN by reason',
      expr: 'sum by (reason) (increase(sluice_net_admin_grants_total[1h]))',
      legend: '{{reason}}',
      kind: 'timeseries',
    },
  ],
}

const COLUMNS = 24
const SOURCE = { type: 'prometheus', uid: '${datasource}' }
const SIZES: Readonly<Record<PanelRow['kind'], { readonly w: number; readonly h: number }>> = {
  stat: { w: 6, h: 4 },
  timeseries: { w: 8, h: 8 },
  table: { w: 8, h: 8 },
}

/** The dashboard as Grafana imports it; ids and places follow from the order of the table. */
export function dashboard(): object {
  return {
    title: 'Sluice',
    uid: 'sluice',
    tags: ['sluice', 'istio'],
    schemaVersion: 39,
    editable: true,
    time: { from: 'now-6h', to: 'now' },
    refresh: '1m',
    templating: { list: [{ name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus' }] },
    panels: laidOut().map((panel, index) => ({ id: index + 1, ...panel })),
  }
}

function laidOut(): readonly object[] {
  const panels: object[] = []
  let y = 0
  for (const [title, rows] of Object.entries(DASHBOARD)) {
    panels.push({ type: 'row', title, collapsed: false, gridPos: { x: 0, y, w: COLUMNS, h: 1 }, panels: [] })
    y += 1
    let x = 0
    let height = 0
    for (const row of rows) {
      const size = SIZES[row.kind]
      if (x + size.w > COLUMNS || (height !== 0 && height !== size.h)) {
        y += height
        x = 0
      }
      height = size.h
      panels.push({ ...panelOf(row), gridPos: { x, y, ...size } })
      x += size.w
    }
    y += height
  }
  return panels
}

function panelOf({ title, expr, legend, kind, unit }: PanelRow): object {
  const target = { refId: 'A', datasource: SOURCE, expr, legendFormat: legend }
  return {
    type: kind,
    title,
    datasource: SOURCE,
    targets: [
      kind === 'timeseries' ? target : { ...target, instant: true, ...(kind === 'table' && { format: 'table' }) },
    ],
    fieldConfig: { defaults: { unit: unit ?? 'short' }, overrides: [] },
  }
}
