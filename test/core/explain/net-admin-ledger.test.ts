import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ledgerOf } from '../../../src/core/explain/net-admin-ledger.ts'
import { outcomeOf } from '../../../src/core/explain/outcome-of.ts'
import { specOf } from '../../../src/core/json/pod.ts'
import { type JsonObject, objectOr, objectsOf } from '../../../src/core/json/value.ts'
import { factsOf, type Given, NONE_COVERED } from '../decision/facts-fixture.ts'

const SIDECARS: Given = { namespaceLabels: { 'istio-injection': 'enabled' } }
const made = (given: Given): JsonObject => outcomeOf(factsOf(given)).pod

/** `container by how: why → removal` */
function inShort(pod: JsonObject, today: Given): readonly string[] {
  return ledgerOf(pod, outcomeOf({ ...factsOf(today), pod })).map(
    ({ container, by, how, why, removal }) =>
      `${container} ${by} ${how}: ${why.code} → ${removal.map(({ code }) => code).join(' ')}`,
  )
}

const owned = (pod: JsonObject, securityContext: JsonObject): JsonObject => {
  const containers = [...objectsOf(specOf(pod)['containers']), { name: 'vpn', image: 'a:1', securityContext }]
  return { ...pod, spec: { ...specOf(pod), containers } }
}

test('a pod without NET_ADMIN is not in the ledger', () => {
  assert.deepEqual(inShort(made(SIDECARS), SIDECARS), [])
})

test('istio-init that nodes could do without today leaves with the next restart', () => {
  const pod = made({ ...SIDECARS, coverage: { cni: NONE_COVERED } })
  assert.deepEqual(inShort(pod, SIDECARS), ['istio-init mesh NET_ADMIN: held_by_init → held_until_restart'])
})

test('istio-init that is still needed names what stands in the way', () => {
  const given = { ...SIDECARS, coverage: { cni: NONE_COVERED } }
  assert.deepEqual(inShort(made(given), given), [
    'istio-init mesh NET_ADMIN: held_by_init → family_by_labels nodes_not_covered',
  ])
})

test('TPROXY keeps NET_ADMIN in the proxy, in every mode', () => {
  const given = { ...SIDECARS, annotations: { 'sidecar.istio.io/interceptionMode': 'TPROXY' } }
  assert.deepEqual(inShort(made(given), given), ['istio-proxy mesh NET_ADMIN: held_by_tproxy → family_by_labels'])
})

for (const { how, securityContext } of [
  { how: 'NET_ADMIN', securityContext: { capabilities: { add: ['CAP_NET_ADMIN'] } } },
  { how: 'ALL', securityContext: { capabilities: { add: ['all'] } } },
  { how: 'privileged', securityContext: { privileged: true } },
])
  test(`what the pod's author gave (${how}) only its author takes away`, () => {
    assert.deepEqual(inShort(owned(made(SIDECARS), securityContext), SIDECARS), [`vpn pod ${how}: held_by_spec → `])
  })

test('a debugging container counts from its own start, any other from that of its pod', () => {
  const securityContext = { privileged: true }
  const pod = {
    metadata: { creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: {
      containers: [{ name: 'a', securityContext }],
      ephemeralContainers: [{ name: 'debug', securityContext }],
    },
    status: {
      ephemeralContainerStatuses: [{ name: 'debug', state: { running: { startedAt: '2026-02-02T00:00:00Z' } } }],
    },
  }
  const unknown = { code: 'configuration_missing', args: { problem: 'x' } } as const
  assert.deepEqual(
    ledgerOf(pod, unknown).map(({ container, since }) => [container, since]),
    [
      ['a', '2026-01-01T00:00:00Z'],
      ['debug', '2026-02-02T00:00:00Z'],
    ],
  )
})

test('where nothing can be decided the ledger is there, and says why it knows no way out', () => {
  const pod = made({ ...SIDECARS, coverage: { cni: NONE_COVERED } })
  const unknown = { code: 'configuration_missing', args: { problem: 'x' } } as const
  assert.deepEqual(
    ledgerOf(pod, unknown).map(({ removal }) => removal),
    [[unknown]],
  )
  assert.deepEqual(ledgerOf(objectOr({}), unknown), [])
})
