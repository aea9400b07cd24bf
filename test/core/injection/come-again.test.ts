import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../../src/core/json/value.ts'
import { objectOr } from '../../../src/core/json/value.ts'
import type { Surroundings } from './injection-fixture.ts'
import { annotationsOf, container, injected, podOf, proxyEnv } from './injection-fixture.ts'

const POD = podOf({
  annotations: {
    'prometheus.istio.io/scrape-targets': '8080:/m,9090:/metrics',
    'traffic.sidecar.istio.io/excludeInboundPorts': '1,2',
    'k8s.v1.cni.cncf.io/networks': '[{"name":"own"}]',
  },
  spec: {
    containers: [
      {
        name: 'web',
        readinessProbe: { httpGet: { path: '/r', port: 80, scheme: 'HTTPS' }, timeoutSeconds: 3 },
        livenessProbe: { grpc: { port: 5 } },
        lifecycle: { preStop: { tcpSocket: { port: 6 } } },
      },
    ],
  },
})
const SETTINGS: readonly Surroundings[] = [
  { mode: 'init' },
  { mode: 'cni', values: { pilot: { cni: { provider: 'multus' } } } },
  { mode: 'init', nativeSidecars: false },
  { mode: 'cni', nativeSidecars: false, mesh: { enablePrometheusMerge: false } },
]

for (const [from, first] of SETTINGS.entries())
  for (const [to, second] of SETTINGS.entries())
    test(`a pod that was injected with settings ${from} and comes again with ${to} ends as if it came for the first time`, () => {
      assert.deepEqual(plain(injected(injected(POD, first), second)), plain(injected(POD, second)))
    })

test('a pod that comes again without rewriting has its author’s checks back', () => {
  const again = injected(injected(POD), { values: { sidecarInjectorWebhook: { rewriteAppHTTPProbe: false } } })
  assert.deepEqual(container(again, 'web'), container(POD, 'web'))
  assert.equal(proxyEnv(again, 'ISTIO_KUBE_APP_PROBERS'), undefined)
})

test('a traffic annotation that differs from the settings stays, whoever wrote it', () => {
  const first = injected(podOf(), { mode: 'cni', values: { global: { proxy: { excludeIPRanges: '10.0.0.0/8' } } } })
  assert.equal(annotationsOf(injected(first))['traffic.sidecar.istio.io/excludeOutboundIPRanges'], '10.0.0.0/8')
})

test('the record of an earlier injection that is no record is left out of account', () => {
  for (const value of ['null', '[', '{"/app-health/web/readyz":1}', '{"__proto__":{"httpGet":{}}}']) {
    const forged = injected(withRecord(injected(POD), value))
    assert.equal(typeof objectOr(container(forged, 'web')['readinessProbe'])['httpGet'], 'object')
  }
})

function withRecord(pod: JsonObject, value: string): JsonObject {
  return JSON.parse(JSON.stringify(pod), (_key, entry: unknown) => {
    const variable = objectOr(entry)
    return variable['name'] === 'ISTIO_KUBE_APP_PROBERS' ? { ...variable, value } : entry
  }) as JsonObject
}

/** Without the order of keys. */
function plain(pod: JsonObject): unknown {
  return JSON.parse(JSON.stringify(pod))
}
