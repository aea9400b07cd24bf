import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { annotationsOf, labelsOf, specOf } from '../../../src/core/json/pod.ts'
import { type JsonObject, objectsOf, stringOr } from '../../../src/core/json/value.ts'
import { countStates } from '../../../src/core/nodes/plan.ts'
import { DEFAULT_POLICY } from '../../../src/core/settings/policy.ts'
import { sentence } from '../../../src/core/vocabulary/reasons.ts'
import { ago, agentPod, agentSet, carriedOut, type Cluster, node, NOW, planFor, READY, TAINT } from './nodes-fixture.ts'

const SINCE = { cni: 'sluice-mesh.io/cni-unable-since', ambient: 'sluice-mesh.io/ambient-unable-since' } as const
const dead = (on: string, minutes: number): JsonObject => agentPod(on, { ready: false, minutes })

/** What the leader has made of a node: labels, taints and annotations of its own. */
function shown(one: JsonObject | undefined): { labels: string[]; taints: string[]; marks: Record<string, string> } {
  assert.ok(one !== undefined)
  const own = Object.entries(labelsOf(one)).filter(([key]) => key.startsWith('sluice-mesh.io/'))
  return {
    labels: own.map(([key, value]) => `${key.split('/')[1] ?? ''}=${value}`).sort(),
    taints: objectsOf(specOf(one)['taints']).map(
      ({ key, effect }) => `${stringOr(key) ?? ''}:${stringOr(effect) ?? ''}`,
    ),
    marks: { ...annotationsOf(one) },
  }
}

/** One node, with or without an agent; another 9 that are well, so that a taint is allowed. */
function one(what: JsonObject, pods: readonly JsonObject[], over: Partial<Cluster> = {}): ReturnType<typeof shown> {
  const others = Array.from({ length: 9 }, (_, at) => `other-${at}`)
  const cluster: Cluster = {
    nodes: [what, ...others.map((name) => node(name, { metadata: { labels: READY } }))],
    agentPods: [...pods, ...others.map((name) => agentPod(name))],
    ...over,
  }
  const after = carriedOut(cluster)
  // carried out, nothing is left to do
  assert.deepEqual(planFor({ ...cluster, nodes: after }).steps, [])
  return shown(after[0])
}

const ABLE = { labels: ['ambient=ready', 'cni=ready'], taints: [], marks: {} }
const KEPT = { 'sluice-mesh.io/taint': 'sluice-mesh.io/not-ready:NoSchedule' }
const GONE = { labels: [], taints: ['sluice-mesh.io/not-ready:NoSchedule'], marks: KEPT }
const labelled = (name = 'n', annotations: JsonObject = {}): JsonObject =>
  node(name, { metadata: { labels: READY, annotations } })

const CASES: readonly { readonly name: string; readonly got: () => unknown; readonly want: unknown }[] = [
  { name: 'a node whose agent is able gets both labels', got: () => one(node('n'), [agentPod('n')]), want: ABLE },
  {
    name: 'an agent that can do cni alone gives one label',
    got: () => one(node('n'), [agentPod('n', { ambient: false })]),
    want: { ...ABLE, labels: ['cni=ready'] },
  },
  {
    name: 'a condition of an agent that is not ready says nothing',
    got: () => one(node('n', { spec: { taints: [TAINT] } }), [dead('n', 1)]).labels,
    want: [],
  },
  {
    name: 'a node whose agent failed a minute ago keeps its labels, and remembers since when',
    got: () => one(labelled(), [dead('n', 1)]),
    want: { ...ABLE, marks: { [SINCE.cni]: '2030-01-01T11:59:00.000Z', [SINCE.ambient]: '2030-01-01T11:59:00.000Z' } },
  },
  {
    name: 'a node without an agent pod keeps them from now on for the grace',
    got: () => one(labelled(), []).marks[SINCE.cni],
    want: '2030-01-01T12:00:00.000Z',
  },
  {
    name: 'after the grace the labels go and the taint comes',
    got: () => one(labelled(), [dead('n', 10)]),
    want: GONE,
  },
  {
    name: 'what is written on the node counts, however young the pod there is',
    got: () => one(labelled('n', { [SINCE.cni]: ago(10), [SINCE.ambient]: ago(10) }), [dead('n', 1)]),
    want: GONE,
  },
  {
    name: 'a time to come, or no time, is not believed',
    got: () =>
      one(labelled('n', { [SINCE.cni]: '2031-01-01T00:00:00Z', [SINCE.ambient]: 'soon' }), [dead('n', 2)]).marks,
    want: { [SINCE.cni]: '2030-01-01T11:58:00.000Z', [SINCE.ambient]: '2030-01-01T11:58:00.000Z' },
  },
  {
    name: 'an agent that is back within the grace leaves no trace',
    got: () => one(labelled('n', { [SINCE.cni]: ago(9), [SINCE.ambient]: ago(9) }), [agentPod('n')]),
    want: ABLE,
  },
  {
    name: 'an agent that is back after it gets the labels again, and the taint is lifted',
    got: () => one(node('n', { metadata: { annotations: KEPT }, spec: { taints: [TAINT] } }), [agentPod('n')]),
    want: ABLE,
  },
  {
    name: 'a node that is born tainted stays so until its agent is able',
    got: () => one(node('n', { metadata: { creationTimestamp: ago(1) }, spec: { taints: [TAINT] } }), []),
    want: GONE,
  },
  {
    name: 'a taint that somebody gave another effect is lifted, too, and what is not ours stays',
    got: () =>
      one(
        node('n', {
          spec: {
            taints: [
              { ...TAINT, effect: 'NoExecute' },
              { key: 'a', effect: 'NoSchedule' },
            ],
          },
        }),
        [agentPod('n')],
      ).taints,
    want: ['a:NoSchedule'],
  },
  {
    name: 'a node that has just come gets the taint at once',
    got: () => one(node('n', { metadata: { creationTimestamp: ago(1) } }), []),
    want: GONE,
  },
  {
    name: 'a node that was there before Sluice has the grace',
    got: () => one(node('n'), [dead('n', 50)]),
    want: { labels: [], taints: [], marks: { [SINCE.cni]: '2030-01-01T12:00:00.000Z' } },
  },
  {
    name: '… and is tainted when it is over',
    got: () => one(node('n', { metadata: { annotations: { [SINCE.cni]: ago(10) } } }), []),
    want: GONE,
  },
  {
    name: 'another pod of the agent that is able is enough while one takes the place of another',
    got: () => one(labelled(), [dead('n', 10), agentPod('n', { over: { metadata: { name: 'next' } } })]).labels,
    want: ['ambient=ready', 'cni=ready'],
  },
  {
    name: 'a policy without taint lifts it',
    got: () =>
      one(node('n', { metadata: { annotations: KEPT }, spec: { taints: [TAINT] } }), [], {
        policy: { taint: { ...DEFAULT_POLICY.taint, enabled: false } },
      }),
    want: { labels: [], taints: [], marks: {} },
  },
  {
    name: 'another key takes the place of the old one',
    got: () =>
      one(node('n', { metadata: { annotations: KEPT }, spec: { taints: [TAINT] } }), [], {
        policy: { taint: { ...DEFAULT_POLICY.taint, key: 'startup.example.com/mesh' } },
      }),
    want: {
      labels: [],
      taints: ['startup.example.com/mesh:NoSchedule'],
      marks: { 'sluice-mesh.io/taint': 'startup.example.com/mesh:NoSchedule' },
    },
  },
  {
    name: 'without a DaemonSet, as after an uninstall, every taint is lifted at once and labels go after the grace',
    got: () => [
      one(node('n', { spec: { taints: [TAINT] } }), [], { agentSet: null }),
      one(labelled('n', { [SINCE.cni]: ago(10), [SINCE.ambient]: ago(10) }), [], { agentSet: null }),
    ],
    want: [
      { labels: [], taints: [], marks: {} },
      { labels: [], taints: [], marks: {} },
    ],
  },
]

for (const { name, got, want } of CASES) test(name, () => assert.deepEqual(got(), want))

const LEFT_ALONE: readonly { readonly name: string; readonly what: JsonObject; readonly set?: JsonObject }[] = [
  { name: 'Windows', what: node('n', { metadata: { labels: { 'kubernetes.io/os': 'windows' } } }) },
  { name: 'a virtual node', what: node('n', { metadata: { labels: { type: 'virtual-kubelet' } } }) },
  { name: 'Fargate', what: node('n', { metadata: { labels: { 'eks.amazonaws.com/compute-type': 'fargate' } } }) },
  {
    name: 'a node that the selector leaves out',
    what: node('n'),
    set: agentSet({ nodeSelector: { 'kubernetes.io/os': 'linux', pool: 'mesh' } }),
  },
  {
    name: 'a node whose taint the agent does not tolerate',
    what: node('n', { spec: { taints: [{ key: 'provider', value: 'azure', effect: 'NoSchedule' }] } }),
    set: agentSet({ tolerations: [TAINT] }),
  },
]

for (const { name, what, set = agentSet() } of LEFT_ALONE)
  test(`${name} is left alone: no label, no taint, and a taint of the platform stays`, () => {
    assert.deepEqual(planFor({ nodes: [what], agentSet: set }).steps, [])
    const tainted = { ...what, spec: { taints: [TAINT, ...objectsOf(specOf(what)['taints'])] } }
    const plan = planFor({ nodes: [tainted], agentSet: set })
    assert.deepEqual([plan.steps, plan.states], [[], [{ cni: 'excluded', ambient: 'excluded' }]])
  })

test('a node that the DaemonSet does not reach any more loses what the leader gave it', () => {
  const before = node('n', { metadata: { annotations: KEPT }, spec: { taints: [TAINT] } })
  const cluster = { nodes: [before], agentSet: agentSet({ nodeSelector: { pool: 'mesh' } }) }
  assert.deepEqual(shown(carriedOut(cluster)[0]), { labels: [], taints: [], marks: {} })
})

test('an agent that is down everywhere taints no more nodes than the policy allows, and says so', () => {
  const names = Array.from({ length: 10 }, (_, at) => `n-${at}`)
  const cluster = { nodes: names.map((name) => labelled(name)), agentPods: names.map((name) => dead(name, 60)) }
  const after = carriedOut(cluster)
  assert.equal(after.filter((each) => shown(each).taints.length > 0).length, 5)
  const { alarms, steps } = planFor({ ...cluster, nodes: after })
  assert.deepEqual(
    [steps, alarms.map(sentence)],
    [[], ['5 nodes cannot redirect but do not get the taint: more than the share 0.5 of all nodes would have it']],
  )
})

for (const [share, nodes, tainted] of [
  [0.5, 1, 0],
  [0.99, 1, 0],
  [1, 1, 1],
  [0.5, 2, 1],
  [0.1, 3, 1],
  [0.5, 3, 1],
  [0, 3, 0],
  [1, 3, 3],
] as const)
  test(`with maxShare ${share}, ${tainted} of ${nodes} broken nodes get the taint`, () => {
    const names = Array.from({ length: nodes }, (_, at) => `n-${at}`)
    const policy = { ...DEFAULT_POLICY, taint: { ...DEFAULT_POLICY.taint, maxShare: share } }
    const cluster = {
      nodes: names.map((name) => labelled(name)),
      agentPods: names.map((name) => dead(name, 60)),
      policy,
    }
    const after = carriedOut(cluster)
    assert.equal(after.filter((each) => shown(each).taints.length > 0).length, tainted)
    const { steps, alarms } = planFor({ ...cluster, nodes: after })
    assert.deepEqual(steps, [])
    assert.equal(alarms.length, nodes === tainted ? 0 : 1)
  })

test('nodes that become able come before those that lose something', () => {
  const plan = planFor({
    nodes: [labelled('a'), node('b'), ...['c', 'd'].map((name) => labelled(name))],
    agentPods: [dead('a', 60), ...['b', 'c', 'd'].map((name) => agentPod(name))],
  })
  assert.deepEqual(
    plan.steps.map((step) => step.node),
    ['b', 'a'],
  )
  const able = countStates(plan.states).find(({ mode, state }) => mode === 'cni' && state === 'able')
  assert.equal(able?.nodes, 3)
})

test('whatever happens to the agents of a node, carrying a plan out leaves nothing to do, and no label goes before its time', () => {
  const minutes = fc.integer({ min: 0, max: 30 })
  const history = fc.array(fc.record({ able: fc.boolean(), pod: fc.boolean(), after: minutes }), { maxLength: 12 })
  fc.assert(
    fc.property(history, fc.boolean(), (turns, born) => {
      let nodes: readonly JsonObject[] = [node('n', { spec: born ? { taints: [TAINT] } : {} })]
      let nowMs = NOW
      let ableAt = -Infinity
      for (const { able, pod, after } of turns) {
        nowMs += after * 60_000
        const was = shown(nodes[0]).labels.length > 0
        const agentPods = pod ? [agentPod('n', { ready: able })] : []
        const cluster = { nodes, agentPods, nowMs }
        nodes = carriedOut(cluster)
        assert.deepEqual(planFor({ ...cluster, nodes }).steps, [])
        if (able && pod) ableAt = nowMs
        const has = shown(nodes[0]).labels.length > 0
        if (able && pod) assert.ok(has)
        // the pod says that it failed half an hour before, or the leader saw it fail
        if (was && !pod && nowMs - ableAt < 600_000) assert.ok(has, 'within the grace')
      }
    }),
  )
})
