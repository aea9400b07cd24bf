import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { JsonObject } from '../../../src/core/json/value.ts'
import { type NodeMoves, nodeMoves, nodeMovesInWords } from '../../../src/core/plan/node-moves.ts'

const on = (nodeName: string, isReady = true): JsonObject => ({
  spec: { nodeName },
  status: { conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }] },
})

const KEPT_OFF = { key: 'sluice-mesh.io/moved', operator: 'DoesNotExist' }

function daemonSet(...terms: readonly JsonObject[]): JsonObject {
  const nodeAffinity = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } }
  const spec = terms.length === 0 ? {} : { affinity: { nodeAffinity } }
  return { metadata: { name: 'istio-cni-node', namespace: 'istio-system' }, spec: { template: { spec } } }
}

function movesOf(...args: Parameters<typeof nodeMoves>): NodeMoves {
  const moves = nodeMoves(...args)
  assert.ok(moves !== undefined)
  return moves
}

test('the commands are those of docs/migration.md, one for each node that both agents are ready on', () => {
  const moves = movesOf(daemonSet(), [on('a'), on('b')], [on('a'), on('b')])
  const page = readFileSync('docs/migration.md', 'utf8').replaceAll(/ \\\n\s*/g, ' ')
  assert.equal(moves.prepare?.length, 2)
  for (const command of moves.prepare) assert.ok(page.includes(command), command)
  assert.deepEqual(moves.go, [
    'kubectl label node a sluice-mesh.io/moved=true',
    'kubectl label node b sluice-mesh.io/moved=true',
  ])
  assert.ok(page.includes((moves.go[0] ?? '').replace(' a ', ' NODE ')))
  assert.deepEqual(nodeMovesInWords(moves), [
    ...moves.prepare.map((command) => `once: ${command}`),
    ...moves.go,
    'after each: sluice check',
  ])
})

test('nothing moves while a node of istio-cni has no ready agent of Sluice', () => {
  for (const own of [[on('a')], [on('a'), on('b', false)]]) {
    const moves = movesOf(daemonSet(), [on('a'), on('b')], own)
    assert.deepEqual([moves.waiting, moves.prepare], [['b'], []])
    assert.deepEqual(nodeMovesInWords(moves), ['first a ready agent of Sluice on b'])
  }
})

test('what is prepared is not said again, and moved nodes have a way back', () => {
  const moves = movesOf(daemonSet({ matchExpressions: [KEPT_OFF] }), [on('a')], [on('a'), on('b')])
  assert.deepEqual(nodeMovesInWords(moves), [
    'kubectl label node a sluice-mesh.io/moved=true',
    'after each: sluice check',
    'back: kubectl label node b sluice-mesh.io/moved-',
  ])
})

test('terms that the DaemonSet has stay, each with one condition more', () => {
  const pool = { key: 'pool', operator: 'In', values: ['a'] }
  const field = { matchFields: [{ key: 'metadata.name', operator: 'NotIn', values: ['x'] }] }
  const { prepare } = movesOf(daemonSet({ matchExpressions: [pool] }, field), [on('a')], [on('a')])
  const [, patch = ''] = /-p '(.*)'$/.exec(prepare?.[0] ?? '') ?? []
  const terms = [{ matchExpressions: [pool, KEPT_OFF] }, { ...field, matchExpressions: [KEPT_OFF] }]
  const nodeAffinity = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } }
  assert.deepEqual(JSON.parse(patch), { spec: { template: { spec: { affinity: { nodeAffinity } } } } })
})

test('terms that would leave the quotes of a shell give words, no command', () => {
  const hostile = { matchExpressions: [{ key: 'a', operator: 'In', values: ["';reboot;'"] }] }
  const moves = movesOf(daemonSet(hostile), [on('a')], [on('a')])
  assert.equal(moves.prepare, null)
  assert.match(nodeMovesInWords(moves)[0] ?? '', /^once: keep its DaemonSet off nodes labelled sluice-mesh\.io\/moved/)
})

test('without a DaemonSet of another agent there is nothing to move', () => {
  assert.equal(nodeMoves(undefined, [], [on('a')]), undefined)
})
