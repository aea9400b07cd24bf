import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../../src/core/json/value.ts'
import type { NamespaceBounds } from '../../../src/core/plan/limits.ts'
import { type MeshKind, type MeshObjects, objectsAgainstAmbient } from '../../../src/core/plan/mesh-objects.ts'
import { namespacePlan, orderOf, type PlannedPod } from '../../../src/core/plan/namespace-plan.ts'
import { type Move, podMove } from '../../../src/core/plan/pod-moves.ts'
import { factsOf, type Given, NONE_COVERED } from '../decision/facts-fixture.ts'

const SIDECARS = { 'istio-injection': 'enabled' }
const FREE: NamespaceBounds = { ranges: [], quotas: [], unread: [] }
const NO_CILIUM = { masquerade: undefined, bounds: FREE }
const probed = { containers: [{ name: 'a', image: 'a:1', readinessProbe: { httpGet: { port: 80 } } }] }
const early = { initContainers: [{ name: 'migrate', image: 'a:1' }], containers: [{ name: 'a', image: 'a:1' }] }

function blockers(given: Given, to: Move, masquerade?: string): readonly string[] {
  return podMove(factsOf({ namespaceLabels: SIDECARS, ...given }), to, { masquerade, bounds: FREE }).blockers.map(
    ({ code }) => code,
  )
}

const MOVES: readonly (readonly [name: string, got: readonly string[], want: readonly string[]])[] = [
  ['nothing stands in the way of cni', blockers({}, 'cni'), []],
  ['nodes do', blockers({ coverage: { cni: NONE_COVERED } }, 'cni'), ['nodes_not_covered']],
  [
    'the wish of the pod itself does',
    blockers({ labels: { 'sluice-mesh.io/mode': 'init' } }, 'cni'),
    ['wish_otherwise'],
  ],
  [
    'init containers do, where the proxy starts after them',
    blockers({ spec: early, annotations: { 'sidecar.istio.io/nativeSidecar': 'false' } }, 'cni'),
    ['init_containers_before_proxy'],
  ],
  [
    'and do not, where the sidecar is a native one',
    blockers({ spec: early, annotations: { 'sidecar.istio.io/nativeSidecar': 'true' } }, 'cni'),
    [],
  ],
  ['nothing stands in the way of ambient once the labels have moved', blockers({}, 'ambient'), []],
  [
    "a pod's own label that asks for a sidecar does",
    blockers({ labels: { 'sidecar.istio.io/inject': 'true' } }, 'ambient'),
    ['family_by_labels'],
  ],
  [
    'a missing ztunnel does',
    blockers({ coverage: { installed: { agent: true, ztunnel: false } } }, 'ambient'),
    ['ztunnel_absent'],
  ],
  ['probes do, where Cilium masquerades them', blockers({ spec: probed }, 'ambient', 'x=true'), ['probes_masqueraded']],
  ['a pod without probes does not mind', blockers({}, 'ambient', 'x=true'), []],
]
for (const [name, got, want] of MOVES)
  test(`what stands in the way of a move: ${name}`, () => {
    assert.deepEqual(got, want)
  })

/** Codes and what differs by the bounds of the namespace, for a pod that gets the proxy of the fixture. */
function bounded(bounds: Partial<NamespaceBounds>, to: Move = 'cni'): readonly string[] {
  const annotations = { 'sidecar.istio.io/proxyMemory': '128Mi', 'sidecar.istio.io/proxyMemoryLimit': '1Gi' }
  const facts = factsOf({ namespaceLabels: SIDECARS, annotations })
  const move = podMove(facts, to, { masquerade: undefined, bounds: { ...FREE, ...bounds } })
  return [...move.blockers, ...move.cautions].map((reason) => `${reason.code} ${JSON.stringify(reason.args)}`)
}
const range = (item: JsonObject): JsonObject => ({
  metadata: { name: 'r' },
  spec: { limits: [{ type: 'Container', ...item }] },
})
const quota = (hard: JsonObject, used: JsonObject, spec: JsonObject = {}): JsonObject => ({
  ...{ metadata: { name: 'q' }, spec: { hard, ...spec } },
  status: { used },
})

const BOUNDS: readonly (readonly [name: string, got: readonly string[], want: RegExp])[] = [
  ['a range that fits', bounded({ ranges: [range({ max: { memory: '1Gi' }, min: { memory: '64Mi' } })] }), /^$/],
  [
    'a maximum below the limit of the proxy',
    bounded({ ranges: [range({ max: { memory: '1023Mi' } })] }),
    /^limit_range_refuses .*"istio-proxy".*limits\.memory=1Gi is above its maximum 1023Mi/,
  ],
  [
    'a minimum above the request of the proxy',
    bounded({ ranges: [range({ min: { memory: '0.2Gi' } })] }),
    /^limit_range_refuses .*requests\.memory=128Mi is below its minimum 0\.2Gi/,
  ],
  [
    'a range for ambient, which adds no container',
    bounded({ ranges: [range({ max: { memory: '1Mi' } })] }, 'ambient'),
    /^(?!.*limit_range)/,
  ],
  ['a range of claims', bounded({ ranges: [range({ type: 'Pod', max: { memory: '1Mi' } })] }), /^$/],
  ['room for one more', bounded({ quotas: [quota({ 'limits.memory': '3Gi' }, { 'limits.memory': '2Gi' })] }), /^$/],
  [
    'room for less than one more',
    bounded({ quotas: [quota({ 'limits.memory': '3Gi' }, { 'limits.memory': '2049Mi' })] }),
    /^quota_short .*"limits\.memory","used":"2049Mi","hard":"3Gi"/,
  ],
  ['a quota of what is no cpu or memory', bounded({ quotas: [quota({ pods: '1' }, { pods: '1' })] }), /^$/],
  [
    'a quota with scopes',
    bounded({ quotas: [quota({ memory: '1' }, { memory: '1' }, { scopes: ['BestEffort'] })] }),
    /^$/,
  ],
  [
    'what could not be read',
    bounded({ unread: [{ code: 'objects_unread', args: { kind: 'LimitRange', problem: '403' } }] }),
    /^objects_unread /,
  ],
]
for (const [name, got, want] of BOUNDS)
  test(`what bounds a namespace: ${name}`, () => {
    assert.match(got.join(), want)
  })

test('more interfaces are a caution, not an obstacle', () => {
  const facts = factsOf({ namespaceLabels: SIDECARS, annotations: { 'k8s.v1.cni.cncf.io/networks': 'storage' } })
  const { blockers: none, cautions } = podMove(facts, 'cni', NO_CILIUM)
  assert.deepEqual([none.length, cautions.map(({ code }) => code)], [0, ['extra_interfaces']])
})

function object(name: string, namespace: string, spec: JsonObject): JsonObject {
  return { metadata: { name, namespace }, spec }
}
const byPath = { rules: [{ to: [{ operation: { paths: ['/x'] } }] }] }

function against(
  kind: MeshKind,
  found: ReturnType<MeshObjects['get']>,
  labels: Readonly<Record<string, string>> = {},
): readonly string[] {
  const objects: MeshObjects = new Map([[kind, found ?? []]])
  return objectsAgainstAmbient({ name: 'shop', labels }, 'istio-system', objects).map(({ code }) => code)
}

const OBJECTS: readonly (readonly [name: string, got: readonly string[], want: readonly string[]])[] = [
  ['a policy by path', against('AuthorizationPolicy', [object('a', 'shop', byPath)]), ['policy_needs_waypoint']],
  [
    'one of the root namespace',
    against('AuthorizationPolicy', [object('a', 'istio-system', byPath)]),
    ['policy_needs_waypoint'],
  ],
  ['one of another namespace', against('AuthorizationPolicy', [object('a', 'other', byPath)]), []],
  [
    'one that a waypoint enforces',
    against('AuthorizationPolicy', [object('a', 'shop', byPath)], { 'istio.io/use-waypoint': 'w' }),
    [],
  ],
  [
    'one that is bound to a waypoint',
    against('AuthorizationPolicy', [object('a', 'shop', { ...byPath, targetRefs: [{ kind: 'Gateway' }] })]),
    [],
  ],
  [
    'one by identity and port',
    against('AuthorizationPolicy', [
      object('a', 'shop', {
        rules: [{ from: [{ source: { principals: ['x'] } }], to: [{ operation: { ports: ['80'] } }] }],
      }),
    ]),
    [],
  ],
  [
    'one by a header',
    against('AuthorizationPolicy', [object('a', 'shop', { rules: [{ when: [{ key: 'request.headers[x]' }] }] })]),
    ['policy_needs_waypoint'],
  ],
  ['tokens', against('RequestAuthentication', [object('a', 'shop', {})]), ['policy_needs_waypoint']],
  ['routes of HTTP', against('VirtualService', [object('a', 'shop', { http: [{}] })]), ['policy_needs_waypoint']],
  ['routes of TCP', against('VirtualService', [object('a', 'shop', { tcp: [{}] })]), []],
  [
    'a filter of Envoy, waypoint or not',
    against('EnvoyFilter', [object('a', 'shop', {})], { 'istio.io/use-waypoint': 'w' }),
    ['sidecar_object_unused'],
  ],
  ['a kind that could not be read', against('Sidecar', { problem: '403' }), ['objects_unread']],
]
for (const [name, got, want] of OBJECTS)
  test(`objects and ambient: ${name}`, () => {
    assert.deepEqual(got, want)
  })

function planned(name: string, mode: PlannedPod['mode'], ...blocked: readonly Move[]): PlannedPod {
  const moves = (['cni', 'ambient'] as const).map((to) => ({
    to,
    blockers: blocked.includes(to) ? [{ code: 'agent_absent', args: {} } as const] : [],
    cautions: [],
  }))
  return { name, mode, moves }
}
const namespace = (name: string): Parameters<typeof namespacePlan>[0] => ({
  name,
  labels: { 'istio-injection': 'enabled', 'istio.io/rev': 'blue' },
  annotations: {},
})

test('a namespace moves as a whole, says with which commands, and how to get back', () => {
  const { modes, moves } = namespacePlan(
    namespace('shop'),
    [planned('shop/a', 'init'), planned('shop/b', 'cni', 'ambient')],
    [],
  )
  assert.deepEqual(modes, { init: 1, cni: 1 })
  const [toCni, toAmbient] = moves
  assert.deepEqual([toCni?.pods, toCni?.blockers], [['shop/a'], []])
  assert.equal(toCni?.go[0], 'kubectl label namespace shop --overwrite sluice-mesh.io/mode=cni')
  assert.equal(toCni.back[0], 'kubectl label namespace shop --overwrite sluice-mesh.io/mode-')
  assert.deepEqual(toAmbient?.blockers, [{ reason: { code: 'agent_absent', args: {} }, pods: ['shop/b'] }])
  assert.equal(
    toAmbient.go[0],
    'kubectl label namespace shop --overwrite istio-injection- istio.io/rev- istio.io/dataplane-mode=ambient',
  )
  assert.equal(
    toAmbient.back[0],
    'kubectl label namespace shop --overwrite istio-injection=enabled istio.io/rev=blue istio.io/dataplane-mode-',
  )
})

test('the order: cni before ambient, few pods before many, and nothing that is blocked', () => {
  const plans = [
    namespacePlan(namespace('big'), [planned('big/a', 'init'), planned('big/b', 'init')], []),
    namespacePlan(namespace('small'), [planned('small/a', 'init', 'ambient')], []),
    namespacePlan(namespace('done'), [planned('done/a', 'ambient')], []),
    namespacePlan(
      namespace('policed'),
      [planned('policed/a', 'cni')],
      [{ code: 'objects_unread', args: { kind: 'x', problem: 'y' } }],
    ),
  ]
  assert.deepEqual(
    orderOf(plans).map(({ namespace: name, to }) => `${name} ${to}`),
    ['small cni', 'big cni', 'big ambient'],
  )
  assert.deepEqual(plans[2]?.moves, [])
})
