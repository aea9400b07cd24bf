import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { AnswerMemo } from '../../../src/app/webhook/answer-memo.ts'
import { type Answer, answerOf } from '../../../src/app/webhook/answer.ts'
import { DEFAULT_INSTALLATION } from '../../../src/app/webhook/options.ts'
import { worldOf } from '../../../src/app/webhook/world.ts'
import type { Facts } from '../../../src/core/decision/facts.ts'
import { outcomeOf } from '../../../src/core/explain/outcome-of.ts'
import { parseJson } from '../../../src/core/json/parse.ts'
import { objectOr, type JsonObject } from '../../../src/core/json/value.ts'
import { DEFAULT_POLICY } from '../../../src/core/settings/policy.ts'
import { cluster, configMap, pod } from './cluster.ts'

const SETTINGS = snapshotOf(cluster())

function snapshotOf(objects: readonly JsonObject[]): Omit<Facts, 'pod' | 'coverage'> & { coverage: Facts['coverage'] } {
  const now = worldOf(objects, DEFAULT_INSTALLATION).current()
  assert.ok(now.is === 'snapshot')
  const { settings, policy, namespace, coverage, installed, kubeletVersions } = now.snapshot
  const mesh = namespace('mesh')
  assert.ok(mesh !== undefined)
  return {
    ...{ settings, policy, namespace: mesh, kubeletVersions, dryRun: false, pathEnv: {} },
    coverage: { ...coverage(pod()), installed, ageSeconds: 0 },
  }
}

function factsOf(of: JsonObject, over: Partial<Facts> = {}): Facts {
  return { ...SETTINGS, pod: of, ...over }
}

/** A memo that says how often it had to work. */
function counted(): { readonly of: (facts: Facts, bytes?: number) => Answer; readonly worked: () => number } {
  const memo = new AnswerMemo()
  let worked = 0
  const work = (facts: Facts): Answer => {
    worked += 1
    return answerOf(facts, outcomeOf)
  }
  return { of: (facts, bytes = 2_600) => memo.of(facts, bytes, work), worked: () => worked }
}

/** The pod with its token in a volume as the API server names it. */
function withToken(suffix: string, of: JsonObject = pod()): JsonObject {
  const text = JSON.stringify(of).replaceAll('"name":"token"', `"name":"kube-api-access-${suffix}"`)
  return objectOr(parseJson(text))
}

function withMetadata(of: JsonObject, metadata: JsonObject): JsonObject {
  return { ...of, metadata: { ...objectOr(of['metadata']), ...metadata } }
}

test('pods of one ReplicaSet are worked out once, whatever their token and their writers are called', () => {
  const { of, worked } = counted()
  const at = (time: string): JsonObject => ({ managedFields: [{ manager: 'kube-controller-manager', time }] })
  const first = of(factsOf(withMetadata(withToken('2bcdf'), at('2026-01-01T00:00:00Z'))))
  const second = of(factsOf(withMetadata(withToken('x7zq9'), at('2026-01-01T00:00:09Z'))))
  assert.equal(worked(), 1)
  assert.equal(second, first)
  assert.ok(first.changes > 0)
})

const PROXY = {
  name: 'istio-proxy',
  image: 'auto',
  volumeMounts: [{ name: 'token', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }],
}
const OTHERS: readonly { readonly name: string; readonly pods: readonly [JsonObject, JsonObject] }[] = [
  { name: 'another image', pods: [pod(), pod({ spec: { containers: [{ name: 'web', image: 'other' }] } })] },
  { name: 'another label', pods: [pod(), withMetadata(pod(), { labels: { app: 'other' } })] },
  { name: 'no metadata', pods: [{ spec: pod()['spec'] ?? {}, metadata: {} }, { spec: pod()['spec'] ?? {} }] },
  { name: 'a field __proto__', pods: [pod(), objectOr(parseJson('{"__proto__":{"a":1},"metadata":{},"spec":{}}'))] },
  {
    name: 'another token, which the answer names',
    pods: [
      withToken('2bcdf', pod({ spec: { containers: [PROXY] } })),
      withToken('x7zq9', pod({ spec: { containers: [PROXY] } })),
    ],
  },
  {
    name: 'another token, where an annotation names one of them',
    pods: ['2bcdf', 'x7zq9'].map((suffix) =>
      withMetadata(withToken(suffix), { annotations: { 'example.com/seen': 'kube-api-access-2bcdf' } }),
    ) as [JsonObject, JsonObject],
  },
]

for (const { name, pods } of OTHERS)
  test(`a pod with ${name} is another pod`, () => {
    const { of, worked } = counted()
    for (const one of pods) assert.deepEqual(of(factsOf(one)), answerOf(factsOf(one), outcomeOf))
    assert.equal(worked(), 2)
  })

const none = { is: 'no-nodes' } as const
const BASES: readonly { readonly name: string; readonly over: Partial<Facts> }[] = [
  { name: 'settings', over: { settings: { ...SETTINGS.settings } } },
  { name: 'a policy', over: { policy: { ...DEFAULT_POLICY } } },
  { name: 'labels of the namespace', over: { namespace: { name: 'mesh', labels: {}, annotations: {} } } },
  { name: 'another namespace', over: { namespace: { ...SETTINGS.namespace, name: 'shop' } } },
  { name: 'nodes for cni', over: { coverage: { ...SETTINGS.coverage, cni: none } } },
  { name: 'nodes for ambient', over: { coverage: { ...SETTINGS.coverage, ambient: none } } },
  {
    name: 'an installation',
    over: { coverage: { ...SETTINGS.coverage, installed: { agent: false, ztunnel: false } } },
  },
  { name: 'versions of kubelets', over: { kubeletVersions: new Map() } },
  { name: 'a dry run', over: { dryRun: true } },
  { name: 'a path', over: { pathEnv: { ISTIO_META_NETWORK: 'other' } } },
]

for (const { name, over } of BASES)
  test(`${name} of its own makes the same pod another question`, () => {
    const { of, worked } = counted()
    of(factsOf(pod()))
    assert.deepEqual(of(factsOf(pod(), over)), answerOf(factsOf(pod(), over), outcomeOf))
    assert.equal(worked(), 2)
  })

test('on facts that are too old for NET_ADMIN nothing is remembered and nothing remembered is given', () => {
  const { of, worked } = counted()
  const nodeless = { ...SETTINGS.coverage, installed: { agent: false, ztunnel: false } }
  of(factsOf(pod(), { coverage: nodeless }))
  const old = { ...nodeless, ageSeconds: DEFAULT_POLICY.maxStaleSeconds + 1 }
  assert.equal(of(factsOf(pod(), { coverage: old })).findings.decision.is, 'refused')
  of(factsOf(pod(), { coverage: old }))
  assert.equal(worked(), 3)
})

test('where the settings have templates of their own, which may read all of a pod, its writers count too', () => {
  const templates = 'policy: enabled\ndefaultTemplates: [sidecar]\ntemplates: {own: "metadata: {}"}\n'
  const values = '{"global":{"hub":"example.com/istio","tag":"1.32.0"}}'
  const facts = snapshotOf([
    ...cluster(),
    configMap('istio-system', 'istio-sidecar-injector', { config: templates, values }),
  ])
  const { of, worked } = counted()
  for (const time of ['1', '2']) of({ ...facts, pod: withMetadata(pod(), { managedFields: [{ time }] }) })
  assert.equal(worked(), 2)
})

test('no more than a bounded number is remembered, the newest', () => {
  const { of, worked } = counted()
  const numbered = (number: number): Facts => factsOf(withMetadata(pod(), { labels: { number: String(number) } }))
  for (let number = 0; number < 300; number++) of(numbered(number))
  assert.equal(worked(), 300)
  of(numbered(299))
  assert.equal(worked(), 300)
  of(numbered(0))
  assert.equal(worked(), 301)
})

test('the pod of a long review, whose key would cost more than its answer, is worked out each time', () => {
  const { of, worked } = counted()
  for (const bytes of [65_536, 65_536, 65_537, 65_537]) of(factsOf(pod()), bytes)
  assert.equal(worked(), 3)
})

test('what was answered for other nodes is forgotten, so that no old set of nodes is kept', () => {
  const { of, worked } = counted()
  of(factsOf(pod()))
  of(factsOf(pod(), { kubeletVersions: undefined, pathEnv: { ISTIO_META_CLUSTER_ID: 'far' } }))
  of(factsOf(pod()))
  assert.equal(worked(), 2)
  of(factsOf(withMetadata(pod(), { labels: { app: 'other' } }), { kubeletVersions: new Map() }))
  of(factsOf(pod()))
  assert.equal(worked(), 4)
})

test('property: with a memo, in any order, each pod gets what it gets without', () => {
  const name = fc.constantFrom('web', 'istio-proxy', 'kube-api-access-2bcdf', 'workload-socket', 'x')
  const suffix = fc.constantFrom('2bcdf', 'x7zq9', 'zzzzz')
  const text = fc.constantFrom('a', 'true', '\0', '"name":"kube-api-access-x7zq9"', 'kube-api-access-zzzzz')
  const container = fc.record({
    name,
    image: fc.constantFrom('auto', 'app:1'),
    env: fc.constantFrom([], [{ name: 'A' }]),
  })
  const shape = fc.record({
    containers: fc.array(container, { minLength: 1, maxLength: 2 }),
    annotations: fc.dictionary(fc.constantFrom('sidecar.istio.io/proxyImage', 'prometheus.io/port', 'x'), text),
  })
  const podOf = ({
    containers,
    annotations,
  }: {
    containers: readonly JsonObject[]
    annotations: JsonObject
  }): JsonObject => {
    const volumeMounts = [{ name: 'token', mountPath: '/token' }]
    const mounted = containers.map((each) => ({ ...each, volumeMounts }))
    return withMetadata(pod({ spec: { containers: mounted } }), { annotations })
  }
  const rollout = fc
    .record({
      shapes: fc.array(shape, { minLength: 1, maxLength: 3 }),
      picks: fc.array(fc.tuple(fc.nat(), suffix), { minLength: 2, maxLength: 8 }),
    })
    .map(({ shapes, picks }) =>
      picks.map(([at, token]) =>
        withToken(token, podOf(shapes[at % shapes.length] ?? { containers: [], annotations: {} })),
      ),
    )
  let known = 0
  fc.assert(
    fc.property(rollout, (pods) => {
      const { of, worked } = counted()
      for (const each of pods) assert.deepEqual(of(factsOf(each)), answerOf(factsOf(each), outcomeOf))
      known += pods.length - worked()
    }),
    { numRuns: 200 },
  )
  assert.ok(known > 50, `only ${known} answers were remembered ones`)
})
