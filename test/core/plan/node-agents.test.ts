import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../../src/core/json/value.ts'
import { nodeAgents, nodeAgentsInWords } from '../../../src/core/plan/node-agents.ts'

const on = (nodeName: string, reason = 'ambient_ready'): JsonObject => ({
  spec: { nodeName },
  status: { conditions: [{ type: 'sluice-mesh.io/ambient', status: 'False', reason }] },
})

test('each node is said once, by who redirects there', () => {
  const nodes = nodeAgents([on('b'), on('a')], [on('b', 'ztunnel_socket_owned'), on('c'), on('c')])
  assert.deepEqual(nodes, [
    { node: 'a', agents: 'other', socketOwned: false },
    { node: 'b', agents: 'both', socketOwned: true },
    { node: 'c', agents: 'sluice', socketOwned: false },
  ])
  assert.deepEqual(
    nodeAgentsInWords(nodes, (names) => names.join()),
    ['istio-cni alone on a', 'istio-cni and Sluice on b', 'Sluice alone on c', "ztunnel's socket is not Sluice's on b"],
  )
})

test('a pod that no node has yet is on none', () => {
  assert.deepEqual(nodeAgents([{ spec: {} }], [{}]), [])
})
