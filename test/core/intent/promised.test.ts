import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Surroundings } from '../../../src/core/intent/enrolment.ts'
import { promisedTo } from '../../../src/core/intent/promised.ts'
import type { JsonObject } from '../../../src/core/json/value.ts'

const AROUND: Surroundings = { namespace: 'shop', namespaceLabels: {}, excludedNamespaces: [], ambient: true }
const SIDECAR = '{"v":1,"kind":"sidecar","inboundPorts":"*","outboundCidrs":"*"}'
const STATUS = { 'sidecar.istio.io/status': '{}' }
const PROXY = { containers: [{ name: 'app' }, { name: 'istio-proxy' }] }

/** what the pod is, its annotations and spec, then what it was promised */
const CASES: readonly (readonly [string, Readonly<Record<string, string>>, JsonObject, string])[] = [
  ['decided by Sluice', { 'sluice-mesh.io/decided': 'cni', 'sluice-mesh.io/intent': SIDECAR }, PROXY, 'cni sidecar'],
  [
    'decided, its intent lost',
    { 'sluice-mesh.io/decided': 'cni', 'sluice-mesh.io/intent': '{' },
    PROXY,
    'unreadable cni',
  ],
  ['decided for init, its container lost', { 'sluice-mesh.io/decided': 'init' }, PROXY, 'unreadable init'],
  [
    'decided ambient',
    { 'sluice-mesh.io/decided': 'ambient', 'sluice-mesh.io/intent': '{"v":1,"kind":"ambient"}' },
    {},
    'ambient ambient',
  ],
  ['said to be none, and injected', { ...STATUS, 'sluice-mesh.io/decided': 'none' }, PROXY, 'cni sidecar'],
  ['injected by Istio', STATUS, PROXY, 'cni sidecar'],
  [
    'injected by Istio with istio-init',
    STATUS,
    { ...PROXY, initContainers: [{ name: 'istio-init', args: ['istio-iptables', '-b', '*', '-i', '*'] }] },
    'init sidecar',
  ],
  ['of mode NONE', { ...STATUS, 'sidecar.istio.io/interceptionMode': 'NONE' }, PROXY, 'nothing'],
  ['without a proxy', {}, { containers: [{ name: 'app' }] }, 'nothing'],
]

/** as the webhook leaves them on a pod of that kind */
const LABELS: Readonly<Record<string, JsonObject>> = { 'decided ambient': { 'istio.io/dataplane-mode': 'ambient' } }

for (const [what, annotations, spec, want] of CASES)
  test(`a pod ${what}: ${want}`, () => {
    const promised = promisedTo({ metadata: { annotations, labels: LABELS[what] ?? {} }, spec }, AROUND)
    const said =
      promised.is === 'promised'
        ? `${promised.mode} ${promised.intent.kind}`
        : promised.is === 'unreadable'
          ? `unreadable ${promised.mode}`
          : promised.is
    assert.equal(said, want)
  })

test('a pod of an ambient namespace is promised ambient, unless this node does none', () => {
  const around = { ...AROUND, namespaceLabels: { 'istio.io/dataplane-mode': 'ambient' } }
  const pod = { metadata: {}, spec: { containers: [{ name: 'app' }] } }
  assert.equal(promisedTo(pod, around).is, 'promised')
  assert.equal(promisedTo(pod, { ...around, ambient: false }).is, 'nothing')
})

test('a pod that was decided ambient and whose labels ask for it no longer has nothing promised to it', () => {
  const annotations = { 'sluice-mesh.io/decided': 'ambient', 'sluice-mesh.io/intent': '{"v":1,"kind":"ambient"}' }
  const pod = { metadata: { annotations }, spec: { containers: [{ name: 'app' }] } }
  assert.equal(promisedTo(pod, AROUND).is, 'nothing')
  const asked = { ...AROUND, namespaceLabels: { 'istio.io/dataplane-mode': 'ambient' }, excludedNamespaces: ['shop'] }
  // what the webhook promised outranks what the agent would leave alone
  assert.equal(promisedTo(pod, asked).is, 'promised')
})
