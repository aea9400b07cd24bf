import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { agentMetrics } from '../../src/app/agent/record.ts'
import { webhookMetrics } from '../../src/app/webhook/record.ts'
import { AGENT_METRICS } from '../../src/core/vocabulary/metrics.ts'

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly version: string }

for (const [who, metrics] of Object.entries({ webhook: webhookMetrics(), agent: agentMetrics() }))
  test(`the ${who} says which version it is, from its first scrape on`, async () => {
    const lines = (await metrics.text()).split('\n').filter((line) => line.startsWith('sluice_build_info'))
    assert.deepEqual(lines, [`sluice_build_info{version="${version}",node_version="${process.version}"} 1`])
  })

test('no metric of the agent has the label by which the scrape says of which node it is', () => {
  const labels = Object.values(AGENT_METRICS).flatMap((row): readonly string[] => row.labels)
  assert.ok(labels.length > 10, `${labels.length} labels`)
  assert.ok(!labels.includes('node'))
})
