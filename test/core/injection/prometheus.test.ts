import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inject } from '../../../src/core/injection/inject.ts'
import { scrapeTargets } from '../../../src/core/injection/prometheus.ts'
import type { JsonObject } from '../../../src/core/json/value.ts'
import type { Surroundings } from './injection-fixture.ts'
import { annotationsOf, contextOf, injected, podOf, proxyEnv, warningsOf } from './injection-fixture.ts'

function metricsOf(annotations: JsonObject, surroundings: Surroundings = {}): JsonObject {
  const pod = injected(podOf({ annotations }), surroundings)
  const own = Object.entries(annotationsOf(pod)).filter(([key]) => /prometheus/i.test(key))
  return { annotations: Object.fromEntries(own), agent: proxyEnv(pod, 'ISTIO_PROMETHEUS_ANNOTATIONS') }
}

const MERGED = {
  'prometheus.io/port': '15020',
  'prometheus.io/path': '/stats/prometheus',
  'prometheus.io/scrape': 'true',
}

test('a pod without annotations is scraped for the proxy alone', () => {
  assert.deepEqual(metricsOf({}), { annotations: MERGED, agent: undefined })
})

test('every spelling of a key counts and is replaced', () => {
  assert.deepEqual(metricsOf({ prometheus_io_port: '9', 'prometheus-io/path': '/m', 'prometheus.io.scrape': 'yes' }), {
    annotations: MERGED,
    agent: '{"scrape":"yes","path":"/m","port":"9"}',
  })
})

test('targets replace port and path, and the agent is told each', () => {
  const target = metricsOf({
    'prometheus.istio.io/scrape-targets': ' 8080 : /x , 9100:,',
    'prometheus.io/port': 'ignored',
  })
  assert.deepEqual(target['annotations'], MERGED)
  assert.equal(
    target['agent'],
    '{"scrape":"","path":"/x","port":"8080","targets":[{"port":"8080","path":"/x"},{"port":"9100","path":"/metrics"}]}',
  )
})

test('targets of which one names no port are ignored with a warning', () => {
  const annotations = { 'prometheus.istio.io/scrape-targets': ':/x' }
  assert.equal(scrapeTargets(':/x'), undefined)
  assert.deepEqual(metricsOf(annotations)['annotations'], MERGED)
  assert.deepEqual(warningsOf(podOf({ annotations })), ['scrape_targets_ignored'])
})

for (const annotations of [
  { 'prometheus.io/scrape': 'F' },
  { 'prometheus.istio.io/merge-metrics': 'false' },
  { 'prometheus.io/port': '15020' },
])
  test(`nothing is merged for a pod with ${JSON.stringify(annotations)}`, () => {
    assert.deepEqual(metricsOf(annotations), { annotations, agent: undefined })
  })

test('the annotation turns merging on where the mesh has it off', () => {
  const mesh = { enablePrometheusMerge: false }
  assert.deepEqual(metricsOf({}, { mesh })['annotations'], {})
  assert.equal(
    (metricsOf({ 'prometheus.istio.io/merge-metrics': 't' }, { mesh })['annotations'] as JsonObject)[
      'prometheus.io/port'
    ],
    '15020',
  )
})

const REFUSED: readonly (readonly [JsonObject, string, string])[] = [
  [{ 'prometheus.io/port': 'nonsense' }, 'nonsense', 'is no number from 1 to 65535'],
  [{ 'prometheus.io/port': '0' }, '0', 'is no number from 1 to 65535'],
  [{ 'prometheus.io/port': '70000' }, '70000', 'is no number from 1 to 65535'],
  [{ 'prometheus.io/port': '15090' }, '15090', 'belongs to the proxy'],
  [{ 'prometheus.istio.io/scrape-targets': '80,15020' }, '15020', 'is the port of the merged metrics themselves'],
]
for (const [annotations, port, problem] of REFUSED)
  test(`a pod that asks to scrape port ${port} is refused`, () => {
    const refusal = inject(podOf({ annotations }), contextOf())
    assert.deepEqual(refusal, { is: 'refused', reason: { code: 'scrape_port_invalid', args: { port, problem } } })
  })

test('the port of the merged metrics over TLS is told to Prometheus, unless the pod says one', () => {
  const mesh = { defaultConfig: { proxyMetadata: { ENVOY_SECURE_MERGED_METRICS_PORT: '15091' } } }
  const key = 'prometheus.istio.io/secure-port'
  assert.equal(annotationsOf(injected(podOf(), { mesh }))[key], '15091')
  assert.equal(
    annotationsOf(injected(podOf({ annotations: { 'prometheus-istio-io/secure-port': '1' } }), { mesh }))[key],
    undefined,
  )
  assert.equal(annotationsOf(injected(podOf()))[key], undefined)
})
