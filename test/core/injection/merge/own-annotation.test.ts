import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type JsonObject, objectOr, objectsOf } from '../../../../src/core/json/value.ts'
import { annotationsOf } from '../../../../src/core/json/pod.ts'
import { injected, podOf } from '../injection-fixture.ts'

const OVERRIDES = 'proxy.istio.io/overrides'

function proxyOf(pod: JsonObject): JsonObject {
  const spec = objectOr(pod['spec'])
  const all = [...objectsOf(spec['initContainers']), ...objectsOf(spec['containers'])]
  return all.find((one) => one['name'] === 'istio-proxy') ?? {}
}

function envOf(pod: JsonObject, name: string): unknown {
  return objectsOf(proxyOf(pod)['env']).find((one) => one['name'] === name)?.['value']
}

test('a zero or empty value in the author’s istio-proxy says nothing, so what the template says stays', () => {
  const own = {
    name: 'istio-proxy',
    image: 'auto',
    args: null,
    command: [],
    resources: null,
    tty: false,
    env: [{ name: 'PILOT_CERT_PROVIDER', value: '' }],
    readinessProbe: { httpGet: { path: '/healthz/ready', port: 15021 }, periodSeconds: 0, initialDelaySeconds: 3 },
    securityContext: { runAsNonRoot: false },
  }
  const proxy = proxyOf(injected(podOf({ spec: { containers: [{ name: 'web', image: 'a:1' }, own] } })))
  assert.deepEqual(objectsOf(proxy['env']).find((one) => one['name'] === 'PILOT_CERT_PROVIDER')?.['value'], 'istiod')
  assert.equal((proxy['args'] as readonly string[])[0], 'proxy')
  assert.equal(objectOr(proxy['readinessProbe'])['periodSeconds'], 15)
  assert.equal(objectOr(proxy['readinessProbe'])['initialDelaySeconds'], 3)
  assert.equal(objectOr(proxy['securityContext'])['runAsNonRoot'], false, 'false is not absent there')
})

test('an overrides annotation of the author’s counts for the proxy, and is written anew', () => {
  const text = JSON.stringify({ containers: [{ name: 'istio-proxy', tty: true }] })
  const pod = injected(podOf({ annotations: { [OVERRIDES]: text } }), { nativeSidecars: false })
  assert.equal(proxyOf(pod)['tty'], true)
  assert.deepEqual(JSON.parse(annotationsOf(pod)[OVERRIDES] ?? ''), JSON.parse(text))
})

test('containers that only that annotation names are seen by the templates and stay where they are, again and again', () => {
  const text = JSON.stringify({ containers: [{ name: 'gone', ports: [{ containerPort: 9 }] }] })
  const once = injected(podOf({ annotations: { [OVERRIDES]: text } }))
  assert.equal(envOf(once, 'ISTIO_META_APP_CONTAINERS'), 'web,gone')
  assert.equal(envOf(once, 'ISTIO_META_POD_PORTS'), '[{"containerPort":9}]')
  assert.equal(annotationsOf(once)[OVERRIDES], text)
  assert.deepEqual(
    objectsOf(objectOr(once['spec'])['containers']).map(({ name }) => name),
    ['web'],
  )
  assert.deepEqual(injected(once), once)
})
