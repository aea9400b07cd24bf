import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inject } from '../../../src/core/injection/inject.ts'
import { pathEnv } from '../../../src/core/injection/path-env.ts'
import { type JsonObject, objectOr, objectsOf } from '../../../src/core/json/value.ts'
import { sentence } from '../../../src/core/vocabulary/reasons.ts'
import { contextOf, injected, podOf, type Surroundings } from './injection-fixture.ts'

/** Branches of Istio's reference that no golden case of ours shows. */

function proxyOf(pod: JsonObject): JsonObject {
  const spec = objectOr(pod['spec'])
  const all = [...objectsOf(spec['initContainers']), ...objectsOf(spec['containers'])]
  return all.find((one) => one['name'] === 'istio-proxy') ?? {}
}

function refusalOf(pod: JsonObject, surroundings: Surroundings = {}): string {
  const result = inject(pod, contextOf(surroundings))
  if (result.is !== 'refused') throw new Error('the pod was not refused')
  return `${result.reason.code}: ${sentence(result.reason)}`
}

const proxyValues = (proxy: JsonObject): JsonObject => ({ global: { proxy } })
const gateway = { 'inject.istio.io/templates': 'gateway' }
const DRAIN = ['pilot-agent', 'request', '--debug-port=15020', 'POST', 'drain']

test('an empty lifecycle of the settings is none: the built-in one stays', () => {
  const values = proxyValues({ lifecycle: {} })
  assert.deepEqual(proxyOf(injected(podOf(), { values }))['lifecycle'], { preStop: { exec: { command: DRAIN } } })
  assert.equal(proxyOf(injected(podOf({ annotations: gateway }), { values }))['lifecycle'], undefined)
})

test('a threshold of 0 is left to the API server, as everywhere', () => {
  const probe = objectOr(
    proxyOf(injected(podOf(), { values: proxyValues({ startupProbe: { failureThreshold: 0 } }) }))['startupProbe'],
  )
  assert.ok(!Object.hasOwn(probe, 'failureThreshold'))
})

test('ENABLE_CLUSTER_TRUST_BUNDLE_API in quotes refuses each pod whose proxy needs it, and says so', () => {
  const values = (flag: unknown, provider = 'istiod'): JsonObject =>
    JSON.parse(
      JSON.stringify({
        pilot: { env: { ENABLE_CLUSTER_TRUST_BUNDLE_API: flag } },
        global: { pilotCertProvider: provider },
      }),
    ) as JsonObject
  assert.match(refusalOf(podOf(), { values: values('true') }), /^template_failed: .*ENABLE_CLUSTER_TRUST_BUNDLE_API/)
  injected(podOf(), { values: values('true', 'kubernetes') })
  const volumes = objectsOf(objectOr(injected(podOf(), { values: values(true) })['spec'])['volumes'])
  assert.ok(Object.hasOwn(volumes.find(({ name }) => name === 'istiod-ca-cert') ?? {}, 'projected'))
})

test('an annotation of volumes that holds null asks for none, one of a wrong type is refused by name', () => {
  for (const name of ['sidecar.istio.io/userVolume', 'sidecar.istio.io/userVolumeMount'])
    assert.deepEqual(proxyOf(injected(podOf({ annotations: { [name]: 'null' } }))), proxyOf(injected(podOf())))
  for (const [name, value, path] of [
    ['sidecar.istio.io/userVolumeMount', '{"a":{"mountPath":5}}', 'mountPath'],
    ['sidecar.istio.io/userVolume', '{"a":{"secret":"b"}}', 'secret'],
    ['sidecar.istio.io/userVolume', '{"a":{"configMap":{"optional":"yes"}}}', 'optional'],
  ] as const) {
    const refusal = refusalOf(podOf({ annotations: { [name]: value } }))
    assert.ok(refusal.startsWith('template_failed') && refusal.includes(name) && refusal.includes(path), refusal)
  }
})

test('an enum of the mesh may be given by its number, as in any JSON of a protobuf message', () => {
  const mesh = {
    inboundTrafficPolicy: { mode: 1 },
    extensionProviders: [{ name: 'o', opentelemetry: { serviceAttributeEnrichment: 1 } }],
  }
  const names = objectsOf(proxyOf(injected(podOf(), { mesh }))['env']).map(({ name }) => name)
  assert.ok(names.includes('REWRITE_PROBE_LEGACY_LOCALHOST_DESTINATION') && names.includes('OTEL_RESOURCE_ATTRIBUTES'))
})

test('the second slash of a path begins its variables, also where nothing stands before the first', () => {
  assert.deepEqual(pathEnv('inject/cluster/c/net'), { C: 'net' })
  assert.deepEqual(pathEnv('//cluster/c'), { ISTIO_META_CLUSTER_ID: 'c' })
})

test('a scrape key that says no keeps the metrics unmerged, whatever another spelling says', () => {
  for (const [no, yes] of [
    ['prometheus.io/scrape', 'prometheus_io_scrape'],
    ['prometheus_io_scrape', 'prometheus.io/scrape'],
  ] as const) {
    const pod = injected(podOf({ annotations: { [no]: 'F', [yes]: 'true' } }))
    assert.equal(objectOr(objectOr(pod['metadata'])['annotations'])['prometheus.io/path'], undefined)
  }
})
