import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Json, JsonObject } from '../../../src/core/json/value.ts'
import { jsonDifferences } from './differences.ts'
import { normalDocument } from './normal-document.ts'
import { normalPod } from './normal-pod.ts'
import { canonicalQuantity } from '../../../src/core/json/quantity.ts'

const pod = (container: JsonObject, spec: JsonObject = {}): JsonObject => ({
  spec: { containers: [{ name: 'app', ...container }], ...spec },
})
const env = (name: string, value: string): JsonObject => pod({ env: [{ name, value }] })
const annotated = (annotations: JsonObject): JsonObject => ({ metadata: { annotations } })

const EQUAL: readonly (readonly [string, JsonObject, JsonObject])[] = [
  ['the order of keys', { a: 1, b: 2 }, { b: 2, a: 1 }],
  [
    'spellings of one quantity',
    pod({ resources: { limits: { cpu: '2000m' } } }),
    pod({ resources: { limits: { cpu: 2 } } }),
  ],
  ['absent and empty resources', pod({}), pod({ resources: {} })],
  ['absent and empty env value', pod({ env: [{ name: 'A' }] }), pod({ env: [{ name: 'A', value: '' }] })],
  ['absent and empty lists of containers', pod({}), pod({}, { initContainers: [] })],
  ['absent and empty env', pod({}), pod({ env: [] })],
  ['absent and empty status', {}, { status: {} }],
  ['absent and null creation time', { metadata: {} }, { metadata: { creationTimestamp: null } }],
  [
    'a volume of a name and an emptyDir',
    { spec: { volumes: [{ name: 'v' }] } },
    { spec: { volumes: [{ name: 'v', emptyDir: {} }] } },
  ],
  ['white space of embedded JSON', env('PROXY_CONFIG', '{"a":1}\n'), env('PROXY_CONFIG', '{ "a": 1 }')],
  [
    'no service and a null service of a grpc probe',
    env('ISTIO_KUBE_APP_PROBERS', '{"p":{"grpc":{"service":null}}}'),
    env('ISTIO_KUBE_APP_PROBERS', '{"p":{"grpc":{}}}'),
  ],
  [
    'null and empty in the status annotation',
    annotated({ 'sidecar.istio.io/status': '{"containers":null}' }),
    annotated({ 'sidecar.istio.io/status': '{ "containers": [] }' }),
  ],
  ['what Sluice adds of its own', { metadata: {} }, annotated({ 'sluice-mesh.io/decided': 'cni' })],
  [
    'divisors of one value',
    pod({ env: [{ name: 'A', valueFrom: { resourceFieldRef: { divisor: '1' } } }] }),
    pod({ env: [{ name: 'A', valueFrom: { resourceFieldRef: { divisor: '1000m' } } }] }),
  ],
]

for (const [what, a, b] of EQUAL)
  test(`the comparison takes as equal: ${what}`, () => {
    assert.deepEqual(jsonDifferences(normalPod(a), normalPod(b)), [])
    assert.deepEqual(jsonDifferences(normalPod(b), normalPod(a)), [])
  })

const DIFFERENT: readonly (readonly [string, JsonObject, JsonObject, readonly string[]])[] = [
  ['another string', pod({ image: 'a' }), pod({ image: 'b' }), ['spec.containers[0 app].image: expected "a", got "b"']],
  ['a missing field', pod({ tty: true }), pod({}), ['spec.containers[0 app].tty: expected true, got nothing']],
  ['a field too many', pod({}), pod({ tty: false }), ['spec.containers[0 app].tty: expected nothing, got false']],
  ['a number and its text', { a: 1 }, { a: '1' }, ['a: expected 1, got "1"']],
  [
    'the order of a list',
    pod({ args: ['a', 'b'] }),
    pod({ args: ['b', 'a'] }),
    ['spec.containers[0 app].args[0]: expected "a", got "b"', 'spec.containers[0 app].args[1]: expected "b", got "a"'],
  ],
  [
    'the order of named elements',
    { l: [{ name: 'a' }, { name: 'b' }] },
    { l: [{ name: 'b' }, { name: 'a' }] },
    ['l: expected the elements a, b; got b, a'],
  ],
  [
    'a missing element and a change beside it',
    { l: [{ name: 'a' }, { name: 'b', x: 1 }] },
    { l: [{ name: 'b', x: 2 }] },
    ['l: expected the elements a, b; got b', 'l[b].x: expected 1, got 2'],
  ],
  [
    'another quantity',
    pod({ resources: { limits: { memory: '1G' } } }),
    pod({ resources: { limits: { memory: '1Gi' } } }),
    ['spec.containers[0 app].resources.limits.memory: expected "1e9", got "1073741824e0"'],
  ],
  [
    'white space of an env that holds no JSON',
    env('OTHER', '{}'),
    env('OTHER', '{ }'),
    ['spec.containers[0 app].env[0 OTHER].value: expected "{}", got "{ }"'],
  ],
  [
    'a value inside embedded JSON',
    env('PROXY_CONFIG', '{"a":1}'),
    env('PROXY_CONFIG', '{"a":2}'),
    ['spec.containers[0 app].env[0 PROXY_CONFIG].value.a: expected 1, got 2'],
  ],
  [
    'an annotation, whose empty value is not absent',
    annotated({ a: '' }),
    annotated({}),
    ['metadata.annotations.a: expected "", got nothing'],
  ],
  [
    'empty annotations that nobody emptied',
    { metadata: {} },
    annotated({}),
    ['metadata.annotations: expected nothing, got {}'],
  ],
  [
    'absent and empty lists that are not named as free',
    pod({}),
    pod({ args: [] }),
    ['spec.containers[0 app].args: expected nothing, got []'],
  ],
  [
    'a volume with a source',
    { spec: { volumes: [{ name: 'v' }] } },
    { spec: { volumes: [{ name: 'v', secret: {} }] } },
    ['spec.volumes[0 v].emptyDir: expected {}, got nothing', 'spec.volumes[0 v].secret: expected nothing, got {}'],
  ],
]

for (const [what, a, b, lines] of DIFFERENT)
  test(`the comparison sees ${what}, and says where`, () => {
    assert.deepEqual(jsonDifferences(normalPod(a), normalPod(b)), lines)
  })

const QUANTITIES: readonly (readonly [Json, Json])[] = [
  ['1', '1e0'],
  ['1000m', '1e0'],
  [0.5, '5e-1'],
  ['1Ki', '1024e0'],
  ['1024Mi', canonicalQuantity('1Gi')],
  ['1e3', '1e3'],
  ['0m', '0'],
  ['-1.50', '-15e-1'],
  ['100Kb', '100Kb'],
  ['', ''],
  ['.', '.'],
]

for (const [quantity, canonical] of QUANTITIES)
  test(`the quantity ${JSON.stringify(quantity)} is compared as ${JSON.stringify(canonical)}`, () =>
    assert.equal(canonicalQuantity(quantity), canonical))

const deployment = (around: JsonObject, image: string): JsonObject => ({
  kind: 'Deployment',
  ...around,
  spec: { template: { metadata: { labels: {} }, spec: { containers: [{ name: 'app', image, tty: false }] } } },
})

test('outside the pod template of a document, what is empty does not count; inside, it does', () => {
  const differences = (a: JsonObject, b: JsonObject): readonly string[] =>
    jsonDifferences(normalDocument(a), normalDocument(b))
  assert.deepEqual(differences(deployment({ status: { replicas: 1 }, paused: false }, 'a'), deployment({}, 'a')), [])
  assert.deepEqual(differences(deployment({ paused: true }, 'a'), deployment({}, 'b')), [
    'paused: expected true, got nothing',
    'spec.template.spec.containers[0 app].image: expected "a", got "b"',
  ])
  const without = deployment({}, 'a')
  const list = (document: JsonObject): JsonObject => ({ kind: 'List', items: [document] })
  assert.deepEqual(
    differences(
      list({ ...without, spec: { template: { spec: {} } } }),
      list({ ...without, spec: { template: { metadata: {}, spec: {} } } }),
    ),
    ['items[0].spec.template.metadata: expected nothing, got {}'],
  )
})
