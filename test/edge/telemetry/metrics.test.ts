import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMetrics } from '../../../src/edge/telemetry/metrics.ts'

const TABLE = {
  calls_total: { type: 'counter', help: 'Calls.', labels: [] },
  answers_total: { type: 'counter', help: 'Answers.', labels: ['verdict'] },
  age_seconds: { type: 'gauge', help: 'Age.', labels: [] },
  time_seconds: { type: 'histogram', help: 'Time.', labels: [], buckets: [0.1, 1] },
} as const

test('a metric without labels is there before anything happened', async () => {
  const text = await createMetrics(TABLE).text()
  assert.match(text, /^calls_total 0$/m)
  assert.match(text, /^age_seconds 0$/m)
  assert.match(text, /^time_seconds_bucket\{le="0.1"\} 0$/m)
})

test('counters add up, gauges are set, histograms fall into the buckets of the table', async () => {
  const metrics = createMetrics(TABLE)
  metrics.add('calls_total', {})
  metrics.add('calls_total', {}, 2)
  metrics.add('answers_total', { verdict: 'yes' })
  metrics.set('age_seconds', {}, 7)
  metrics.observe('time_seconds', {}, 0.5)
  const text = await metrics.text()
  assert.match(text, /^calls_total 3$/m)
  assert.match(text, /^answers_total\{verdict="yes"\} 1$/m)
  assert.match(text, /^age_seconds 7$/m)
  assert.match(text, /^time_seconds_bucket\{le="0.1"\} 0$/m)
  assert.match(text, /^time_seconds_bucket\{le="1"\} 1$/m)
})

test('two sets of metrics in one process do not meet; each tells of the process', async () => {
  const [one, other] = [createMetrics(TABLE), createMetrics(TABLE)]
  one.add('calls_total', {})
  assert.match(await other.text(), /^calls_total 0$/m)
  assert.match(await other.text(), /^process_resident_memory_bytes \d+$/m)
})
