import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AlertRow, ALERTS } from '../../scripts/chart/alerts.ts'
import { DASHBOARD } from '../../scripts/chart/dashboard.ts'
import { AGENT_METRICS, type MetricRow, WEBHOOK_METRICS } from '../../src/core/vocabulary/metrics.ts'
import { REASONS } from '../../src/core/vocabulary/reasons.ts'
import type { ReasonRow } from '../../src/core/vocabulary/reasons/reason-row.ts'

/** Metrics of the API server, as test/cluster/guard.test.ts reads them from a real one. */
const API_SERVER: Readonly<Record<string, Pick<MetricRow, 'type' | 'labels'>>> = {
  apiserver_admission_webhook_fail_open_count: { type: 'counter', labels: ['name', 'type'] },
  apiserver_validating_admission_policy_check_total: {
    type: 'counter',
    labels: ['policy', 'policy_binding', 'error_type', 'enforcement_action'],
  },
}
const METRICS: Readonly<Record<string, Pick<MetricRow, 'type' | 'labels'>>> = {
  ...WEBHOOK_METRICS,
  ...AGENT_METRICS,
  ...API_SERVER,
}
/** Labels that the scrape adds. */
const SCRAPED = ['node']

const expressions: readonly (readonly [string, string])[] = [
  ...Object.entries<AlertRow>(ALERTS).map(([name, { expr }]) => [name, expr] as const),
  ...Object.values(DASHBOARD)
    .flat()
    .map(({ title, expr }) => [title, expr] as const),
]

/** The metrics of an expression with what it selects by: `name{label="value"}`. */
function selectorsOf(expr: string): readonly (readonly [name: string, matchers: readonly RegExpMatchArray[]])[] {
  return [...expr.matchAll(/\b([a-z]+_[a-z_]+)\b(?!\s*\()(?:\{([^}]*)\})?/g)]
    .filter(([, name = '']) => /^(sluice|sidecar|ztunnel|istio|apiserver)_/.test(name))
    .filter(({ index }) => !isQuoted(expr, index))
    .map(([, name = '', inside = '']) => [name, [...inside.matchAll(/(\w+)(?:=~|!~|!=|=)"([^"]*)"/g)]])
}

function isQuoted(text: string, index: number): boolean {
  return text.slice(0, index).split('"').length % 2 === 0
}

function metricOf(name: string): Pick<MetricRow, 'type' | 'labels'> | undefined {
  const histogram = METRICS[name.replace(/_(bucket|sum|count)$/, '')]
  return METRICS[name] ?? (histogram?.type === 'histogram' ? histogram : undefined)
}

test('every expression of an alert or the dashboard names metrics and labels that exist', () => {
  assert.ok(expressions.length > 30, `${expressions.length} expressions`)
  for (const [where, expr] of expressions) {
    const selectors = selectorsOf(expr)
    assert.ok(selectors.length > 0, `${where} names no metric`)
    for (const [name, matchers] of selectors) {
      const metric = metricOf(name)
      assert.ok(metric, `${where} names ${name}, which does not exist`)
      for (const [, label = ''] of matchers)
        assert.ok([...metric.labels, ...SCRAPED].includes(label), `${where}: ${name} has no label ${label}`)
    }
    const known = [...selectors.flatMap(([name]) => metricOf(name)?.labels ?? []), ...SCRAPED, 'le']
    for (const [, by = ''] of expr.matchAll(/\bby \(([^)]*)\)/g))
      for (const label of by.split(', ')) assert.ok(known.includes(label), `${where}: nothing has a label ${label}`)
  }
})

test('every alarm that an alert names is a reason code of that level', () => {
  const codes = expressions.flatMap(([where, expr]) =>
    selectorsOf(expr)
      .filter(([name]) => name === 'sluice_alarms')
      .flatMap(([, matchers]) => matchers.flatMap(([, , value = '']) => value.split('|')))
      .map((code) => [where, code] as const),
  )
  assert.ok(codes.length > 20, `${codes.length} codes`)
  const rows: Readonly<Record<string, ReasonRow>> = REASONS
  for (const [where, code] of codes) assert.equal(rows[code]?.level, 'alarm', `${where} names ${code}`)
})
