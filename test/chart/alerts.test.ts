import assert from 'node:assert/strict'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { parseAllDocuments } from 'yaml'
import { type AlertName, alertRules } from '../../scripts/chart/alerts.ts'
import { DASHBOARD } from '../../scripts/chart/dashboard.ts'
import { CHART, renderChart } from '../../scripts/chart/helm.ts'
import { promtool } from '../../scripts/promtool.ts'
import { type JsonObject, objectOr, stringOr } from '../../src/core/json/value.ts'

const work = mkdtempSync(join(tmpdir(), 'sluice-alerts-test-'))
after(() => rmSync(work, { recursive: true, force: true }))
copyFileSync(join(CHART, 'files/alerts.json'), join(work, 'alerts.json'))

/** What is measured, minute by minute for a day and three hours, as promtool writes it. */
type Series = Readonly<Record<string, string>>

const alarm = (reason: string): string => `sluice_alarms{reason="${reason}",node="n1"}`
/** Nothing at all would be the alert of a webhook that is down; the time of the test is 1970. */
const WELL: Series = {
  sluice_certificate_not_after_seconds: '9000000x1600',
  [alarm('facts_stale')]: '0x1600',
  'sluice_proofs{mode="cni",verdict="redirected",node="n1"}': '40x1600',
  'sluice_proofs{mode="cni",verdict="bypassing",node="n1"}': '0x1600',
  'sluice_nodes{mode="cni",state="able"}': '9x1600',
  'sluice_nodes{mode="cni",state="grace"}': '1x1600',
  'sluice_net_admin_grants_total{reason="init_last_resort"}': '0+1x1600',
  'sluice_cni_requests_total{command="ADD",result="redirected",reason="node_redirects",node="n1"}': '0+20x1600',
  'sluice_cni_requests_total{command="ADD",result="refused",reason="agent_busy",node="n1"}': '0x1500 1x100',
  'sluice_cni_duration_seconds_bucket{phase="total",node="n1",le="0.5"}': '0+20x1600',
  'sluice_cni_duration_seconds_bucket{phase="total",node="n1",le="+Inf"}': '0+20x1600',
  'sluice_repairs_total{mode="cni",cure="reprogramme",result="done",node="n1"}': '0+1x1600',
  'apiserver_admission_webhook_fail_open_count{name="another.example.com",type="admit"}': '0+1x1600',
  'apiserver_validating_admission_policy_check_total{policy="sluice-guard",enforcement_action="allow"}': '0+9x1600',
}
/** What makes each alert fire, in the place of what is well. */
const FIRES: Readonly<Record<AlertName, Series>> = {
  SluiceBypassMeasured: { 'sluice_proofs{mode="cni",verdict="bypassing",node="n1"}': '0x1500 1x100' },
  SluiceWebhookDown: { sluice_certificate_not_after_seconds: '9000000x1400' },
  SluiceFailOpen: {
    'apiserver_admission_webhook_fail_open_count{name="object.sluice-mesh.io",type="admit"}': '0x1555 1x45',
  },
  SluiceGuardDenials: {
    'apiserver_validating_admission_policy_check_total{policy="sluice-guard",enforcement_action="deny"}':
      '0x1400 0+1x200',
  },
  SluicePodUnproven: { [alarm('pod_unproven')]: '0x1500 1x100' },
  SluiceNodeNotCovered: { 'sluice_nodes{mode="cni",state="unable"}': '0x1500 1x100' },
  SluiceConflistEntry: { [alarm('cni_config_outranked')]: '0x1500 1x100' },
  SluiceConflistFight: { [alarm('cni_config_fight')]: '0x1500 1x100' },
  SluiceZtunnelDisconnected: { [alarm('ztunnel_not_connected')]: '0x1500 1x100' },
  SluiceCertificateExpires: { sluice_certificate_not_after_seconds: '900000x1600' },
  SluiceStaleFacts: { [alarm('facts_stale')]: '0x1500 1x100' },
  SluiceBadConfiguration: { [alarm('configuration_unusable')]: '0x1500 1x100' },
  SluiceAddRefused: {
    'sluice_cni_requests_total{command="ADD",result="refused",reason="agent_busy",node="n1"}': '0x1500 0+2x100',
  },
  SluiceAddSlow: {
    'sluice_cni_duration_seconds_bucket{phase="total",node="n1",le="0.5"}': '0x1600',
    'sluice_cni_duration_seconds_bucket{phase="total",node="n1",le="30"}': '0+20x1600',
  },
  SluiceRepairsFail: {
    'sluice_repairs_total{mode="cni",cure="reprogramme",result="failed",node="n1"}': '0x1500 0+1x100',
  },
  SluiceNetAdminRising: { 'sluice_net_admin_grants_total{reason="init_last_resort"}': '0+1x1500 1500+4x100' },
  SluiceAlarm: { [alarm('taint_withheld')]: '0x1500 1x100' },
}

/** The alerts that fire after 26 hours of `series`. */
function firing(name: string, series: Series, expected: readonly string[]): void {
  const file = `${name}.json`
  const expression = { expr: 'count by (alertname) (ALERTS{alertstate="firing"})', eval_time: '26h' }
  const samples = expected.map((alert) => ({ labels: `{alertname="${alert}"}`, value: 1 }))
  const input_series = Object.entries({ ...WELL, ...series }).map(([one, values]) => ({ series: one, values }))
  const tests = [{ interval: '1m', input_series, promql_expr_test: [{ ...expression, exp_samples: samples }] }]
  writeFileSync(join(work, file), JSON.stringify({ rule_files: ['alerts.json'], evaluation_interval: '5m', tests }))
  const { ok, text } = promtool(['test', 'rules', file], work)
  assert.ok(ok, `${name}: ${text}`)
}

test('promtool takes the rules, and the expressions of the dashboard', () => {
  const rules = promtool(['check', 'rules', 'alerts.json'], work)
  assert.ok(rules.ok, rules.text)
  assert.match(rules.text, /SUCCESS: \d+ rules found/)
  const panels = Object.values(DASHBOARD).flat()
  const recorded = panels.map(({ expr }, index) => ({ record: `panel:${index}`, expr }))
  writeFileSync(join(work, 'panels.json'), JSON.stringify({ groups: [{ name: 'panels', rules: recorded }] }))
  const checked = promtool(['check', 'rules', 'panels.json'], work)
  assert.ok(checked.ok, checked.text)
  assert.match(checked.text, new RegExp(`SUCCESS: ${panels.length} rules found`))
})

test('no alert fires while all is well', () => {
  firing('well', {}, [])
})

for (const [alert, series] of Object.entries(FIRES))
  test(`${alert} fires for what it is about, and nothing else does`, () => {
    firing(alert, series, [alert])
  })

test('the chart holds rules and dashboard as they are, braces of Prometheus and Grafana included', () => {
  const { ok, text } = renderChart(['--set', 'prometheusRule.enabled=true', '--set', 'dashboard.enabled=true'])
  assert.ok(ok, text)
  const all = parseAllDocuments(text).map((document) => objectOr(document.toJS() as JsonObject))
  const rule = all.find(({ kind }) => kind === 'PrometheusRule')
  assert.deepEqual(rule?.['spec'], alertRules())
  const map = all.find(({ metadata }) => objectOr(metadata)['name'] === 'sluice-webhook-dashboard')
  const board = objectOr(JSON.parse(stringOr(objectOr(map?.['data'])['sluice.json']) ?? '{}') as JsonObject)
  assert.equal(board['title'], 'Sluice')
})
