import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../../src/core/json/value.ts'
import { objectOr, objectsOf } from '../../../src/core/json/value.ts'
import { inject } from '../../../src/core/injection/inject.ts'
import { parseJson, stringify } from '../../../src/core/json/parse.ts'
import { uninjected } from '../../../src/core/injection/uninjected.ts'
import { annotationsOf, container, contextOf, injected, podOf } from './injection-fixture.ts'

const OWN = { name: 'istio-proxy', image: 'auto', restartPolicy: 'Always', env: [{ name: 'MINE', value: '1' }] }
const POD = podOf({ spec: { initContainers: [OWN] } })

function listsOfProxy(pod: JsonObject): readonly string[] {
  const spec = objectOr(pod['spec'])
  return ['initContainers', 'containers'].filter((list) =>
    objectsOf(spec[list]).some((one) => one['name'] === 'istio-proxy'),
  )
}

test('a user’s native proxy becomes a regular one where native sidecars are off, and there is one of it', () => {
  const pod = injected(POD, { nativeSidecars: false })
  assert.deepEqual(listsOfProxy(pod), ['containers'])
  const proxy = container(pod, 'istio-proxy')
  assert.equal('restartPolicy' in proxy, false)
  assert.ok(objectsOf(proxy['env']).some((one) => one['name'] === 'MINE'))
})

const EXTRA = 'spec:\n  containers:\n  - name: istio-proxy\n    env:\n    - name: EXTRA\n      value: "1"\n'
const TWO_TEMPLATES = { texts: { config: JSON.stringify({ policy: 'enabled', templates: { extra: EXTRA } }) } }

for (const order of ['extra,sidecar', 'sidecar,extra']) {
  test(`a native proxy is one init container with what a template says of a regular one: ${order}`, () => {
    const pod = injected(podOf({ annotations: { 'inject.istio.io/templates': order } }), TWO_TEMPLATES)
    assert.deepEqual(listsOfProxy(pod), ['initContainers'])
    const proxy = container(pod, 'istio-proxy')
    assert.equal(proxy['restartPolicy'], 'Always')
    assert.ok(objectsOf(proxy['env']).some((one) => one['name'] === 'EXTRA'))
    assert.deepEqual(injected(pod, TWO_TEMPLATES), pod)
  })
}

test('it is a native one again where they are on', () => {
  const pod = injected(injected(POD, { nativeSidecars: false }))
  assert.deepEqual(listsOfProxy(pod), ['initContainers'])
  assert.equal(container(pod, 'istio-proxy')['restartPolicy'], 'Always')
  assert.ok(objectsOf(container(pod, 'istio-proxy')['env']).some((one) => one['name'] === 'MINE'))
})

test('an injected pod whose annotations cannot be used is left as it came: the injection itself will refuse it', () => {
  const pod = injected(POD)
  const metadata = {
    ...objectOr(pod['metadata']),
    annotations: { ...annotationsOf(pod), 'proxy.istio.io/config': '[' },
  }
  const bad = { ...pod, metadata }
  assert.equal(uninjected(bad, contextOf()), bad)
})

test('a variable of a user’s proxy without a name refuses the pod, and says where it stands', () => {
  const nameless = podOf({ spec: { containers: [{ name: 'web' }, { name: 'istio-proxy', env: [{ value: 'x' }] }] } })
  const result = inject(nameless, contextOf())
  assert.deepEqual(result, {
    is: 'refused',
    reason: {
      code: 'own_container_invalid',
      args: { problem: 'spec.initContainers[istio-proxy].env[0] has no key to be merged by' },
    },
  })
})

test('a number that no double holds survives in the overrides of a pod that comes again', () => {
  const own = { name: 'istio-proxy', image: 'auto', exact: objectOr(parseJson('{"n":9007199254740993}'))['n'] ?? null }
  const again = injected(injected(podOf({ spec: { initContainers: [own] } })))
  assert.equal(stringify(container(again, 'istio-proxy')['exact'] ?? null), '9007199254740993')
})

test('more templates than anybody means refuse the pod before one is applied', () => {
  const asked = podOf({ annotations: { 'inject.istio.io/templates': Array(33).fill('sidecar').join(',') } })
  const result = inject(asked, contextOf())
  assert.deepEqual(result, { is: 'refused', reason: { code: 'templates_too_many', args: { count: 33, most: 32 } } })
})
