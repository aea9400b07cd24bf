import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NodeFacts } from '../../../../src/core/decision/node-set.ts'
import { projectNode } from '../../../../src/core/decision/node-set.ts'
import { CoverageMemo } from '../../../../src/core/decision/placement/coverage-memo.ts'
import { indexNodes, nodeCoverage } from '../../../../src/core/decision/placement/node-index.ts'
import { type JsonObject, stringMap } from '../../../../src/core/json/value.ts'

const MIN_COVERED = 0.9

function node(name: string, more: Partial<NodeFacts> = {}): NodeFacts {
  const labels = { 'kubernetes.io/os': 'linux', 'sluice-mesh.io/cni': 'ready', ...more.labels }
  return {
    name,
    taints: [],
    linux: true,
    unschedulable: false,
    ready: true,
    kubeletVersion: 'v1.34.0',
    ...more,
    labels,
  }
}

const bare = { 'sluice-mesh.io/cni': 'no' }
const taint = (key: string, effect = 'NoSchedule', value = ''): NodeFacts['taints'] => [{ key, value, effect }]
const many = (count: number, more: Partial<NodeFacts> = {}): NodeFacts[] =>
  Array.from({ length: count }, (_, index) => node(`n${index}`, more))

function affinity(...nodeSelectorTerms: readonly JsonObject[]): JsonObject {
  return { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } } }
}
const expression = (key: string, operator: string, ...values: string[]): JsonObject => ({
  matchExpressions: [{ key, operator, values }],
})
const field = (operator: string, ...values: string[]): JsonObject => ({
  matchFields: [{ key: 'metadata.name', operator, values }],
})

/** `covered/candidates` of cni, or `none` */
function counted(nodes: readonly NodeFacts[], spec: JsonObject): string {
  const { cni } = nodeCoverage(indexNodes({ generation: 1, nodes }), { spec }, MIN_COVERED)
  return cni.is === 'no-nodes' ? 'none' : `${cni.covered}/${cni.candidates} ${cni.is}`
}

const zoned = [
  node('a', { labels: { zone: 'a', size: '4' } }),
  node('b', { labels: { zone: 'b', size: '16', ...bare } }),
]

const TABLE: readonly (readonly [string, readonly NodeFacts[], JsonObject, string])[] = [
  ['no node at all', [], {}, 'none'],
  ['every node carries the label', many(3), {}, '3/3 possible'],
  ['nine of ten are enough', [...many(9), node('x', { labels: bare })], {}, '9/10 possible'],
  ['eight of nine are not', [...many(8), node('x', { labels: bare })], {}, '8/9 impossible'],
  ['a Windows node does not count', [...many(2), node('w', { linux: false, labels: bare })], {}, '2/2 possible'],
  [
    'a node that is not Ready does not count',
    [...many(2), node('w', { ready: false, labels: bare })],
    {},
    '2/2 possible',
  ],
  [
    'a cordoned node does not count',
    [...many(2), node('w', { unschedulable: true, labels: bare })],
    {},
    '2/2 possible',
  ],
  [
    'a cordoned node counts for a pod that tolerates cordoning',
    [node('w', { unschedulable: true })],
    { tolerations: [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists' }] },
    '1/1 possible',
  ],
  [
    'a tainted node does not count',
    [...many(2), node('v', { taints: taint('virtual'), labels: bare })],
    {},
    '2/2 possible',
  ],
  ['NoExecute keeps away, too', [node('v', { taints: taint('x', 'NoExecute') })], {}, 'none'],
  ['PreferNoSchedule keeps nobody away', [node('v', { taints: taint('x', 'PreferNoSchedule') })], {}, '1/1 possible'],
  [
    'a toleration of everything',
    [node('v', { taints: taint('x') })],
    { tolerations: [{ operator: 'Exists' }] },
    '1/1 possible',
  ],
  [
    'a toleration of another effect',
    [node('v', { taints: taint('x') })],
    { tolerations: [{ key: 'x', operator: 'Exists', effect: 'NoExecute' }] },
    'none',
  ],
  [
    'a toleration of the value',
    [node('v', { taints: taint('x', 'NoSchedule', '1') })],
    { tolerations: [{ key: 'x', value: '1' }] },
    '1/1 possible',
  ],
  [
    'a toleration of another value',
    [node('v', { taints: taint('x', 'NoSchedule', '1') })],
    { tolerations: [{ key: 'x', operator: 'Equal', value: '2' }] },
    'none',
  ],
  [
    'a toleration by comparison',
    [node('v', { taints: taint('x', 'NoSchedule', '3') })],
    { tolerations: [{ key: 'x', operator: 'Lt', value: '5' }] },
    '1/1 possible',
  ],
  [
    'a comparison the other way',
    [node('v', { taints: taint('x', 'NoSchedule', '3') })],
    { tolerations: [{ key: 'x', operator: 'Gt', value: '5' }] },
    'none',
  ],
  [
    'a comparison with no number',
    [node('v', { taints: taint('x', 'NoSchedule', 'low') })],
    { tolerations: [{ key: 'x', operator: 'Gt', value: '5' }] },
    'none',
  ],
  [
    'an unknown operator tolerates nothing',
    [node('v', { taints: taint('x') })],
    { tolerations: [{ key: 'x', operator: 'Any' }] },
    'none',
  ],
  ['the nodeSelector', zoned, { nodeSelector: { zone: 'b' } }, '0/1 impossible'],
  ['affinity In', zoned, affinity(expression('zone', 'In', 'a', 'c')), '1/1 possible'],
  ['affinity NotIn', zoned, affinity(expression('zone', 'NotIn', 'a')), '0/1 impossible'],
  ['affinity Exists', zoned, affinity(expression('zone', 'Exists')), '1/2 impossible'],
  ['affinity DoesNotExist', zoned, affinity(expression('zone', 'DoesNotExist')), 'none'],
  ['affinity Gt', zoned, affinity(expression('size', 'Gt', '4')), '0/1 impossible'],
  ['affinity Lt', zoned, affinity(expression('size', 'Lt', '16')), '1/1 possible'],
  ['affinity with an unknown operator allows nothing', zoned, affinity(expression('size', 'Near', '16')), 'none'],
  [
    'terms are alternatives',
    zoned,
    affinity(expression('zone', 'In', 'a'), expression('zone', 'In', 'b')),
    '1/2 impossible',
  ],
  ['an empty term allows nothing', zoned, affinity({}), 'none'],
  ['an affinity without terms allows nothing', zoned, affinity(), 'none'],
  [
    'a preferred affinity is no constraint',
    zoned,
    { affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [] } } },
    '1/2 impossible',
  ],
  ['a pod of a DaemonSet is for one node', zoned, affinity(field('In', 'b')), '0/1 impossible'],
  ['a name that is excluded', zoned, affinity(field('NotIn', 'b')), '1/1 possible'],
  ['a name that is no node', zoned, affinity(field('In', 'c')), 'none'],
  [
    'one term by name, one by label',
    zoned,
    affinity(field('In', 'b'), expression('zone', 'In', 'a')),
    '1/2 impossible',
  ],
  [
    'one name in two terms counts once',
    zoned,
    affinity(field('In', 'a'), { ...field('In', 'a'), ...expression('zone', 'Exists') }),
    '1/1 possible',
  ],
  [
    'a name and a label that do not fit each other',
    zoned,
    affinity({ ...field('In', 'a'), ...expression('zone', 'In', 'b') }),
    'none',
  ],
  [
    'a bound pod counts its node, whatever its state',
    [node('a', { ready: false, taints: taint('x') }), node('b', { labels: bare })],
    { nodeName: 'a' },
    '1/1 possible',
  ],
  ['a pod bound to a node without an agent', zoned, { nodeName: 'b' }, '0/1 impossible'],
  ['a pod bound to an unknown node', zoned, { nodeName: 'c' }, 'none'],
  ['a pod bound to a Windows node', [node('w', { linux: false })], { nodeName: 'w' }, 'none'],
]

for (const [name, nodes, spec, want] of TABLE)
  test(`placement: ${name}`, () => assert.equal(counted(nodes, spec), want))

test('a label called __proto__ matches as any other', () => {
  assert.equal(counted(many(1), { nodeSelector: JSON.parse('{"__proto__":"x"}') as JsonObject }), 'none')
})

test('an impossible mode names a node that cannot do it', () => {
  const { cni, ambient } = nodeCoverage(indexNodes({ generation: 1, nodes: zoned }), {}, MIN_COVERED)
  assert.deepEqual(cni, { is: 'impossible', covered: 1, candidates: 2, example: 'b' })
  assert.deepEqual(ambient, { is: 'impossible', covered: 0, candidates: 2, example: 'a' })
})

test('a remembered answer holds until the node set or the policy changes', () => {
  const memo = new CoverageMemo()
  const first = memo.of({ generation: 1, nodes: many(1) }, {}, 1)
  assert.equal(memo.of({ generation: 1, nodes: [] }, {}, 1), first)
  assert.deepEqual(memo.of({ generation: 2, nodes: [] }, {}, 1).cni, { is: 'no-nodes' })
  const half = { generation: 3, nodes: zoned }
  assert.equal(memo.of(half, {}, 1).cni.is, 'impossible')
  assert.equal(memo.of(half, {}, 0.5).cni.is, 'possible')
})

test('pods with other constraints have other answers', () => {
  const memo = new CoverageMemo()
  const nodes = { generation: 1, nodes: zoned }
  const specs: readonly JsonObject[] = [
    {},
    { nodeName: 'a' },
    { nodeSelector: { zone: 'b' } },
    affinity(field('In', 'a')),
    { tolerations: [{ operator: 'Exists' }] },
  ]
  for (const spec of [...specs, ...specs])
    assert.deepEqual(memo.of(nodes, { spec }, MIN_COVERED), nodeCoverage(indexNodes(nodes), { spec }, MIN_COVERED))
})

test('a Node object is projected to what a decision needs', () => {
  assert.deepEqual(
    projectNode({
      metadata: { name: 'n', labels: { 'kubernetes.io/os': 'linux' } },
      spec: { unschedulable: true, taints: [{ key: 'k', effect: 'NoSchedule' }] },
      status: {
        nodeInfo: { kubeletVersion: 'v1.34.1', operatingSystem: 'linux' },
        conditions: [
          { type: 'DiskPressure', status: 'True' },
          { type: 'Ready', status: 'True' },
        ],
      },
    }),
    {
      name: 'n',
      labels: stringMap({ 'kubernetes.io/os': 'linux' }),
      taints: [{ key: 'k', value: '', effect: 'NoSchedule' }],
      linux: true,
      unschedulable: true,
      ready: true,
      kubeletVersion: 'v1.34.1',
    },
  )
  const nothing = projectNode({ status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } })
  assert.equal(nothing.ready, false)
  assert.equal(nothing.linux, false)
})
