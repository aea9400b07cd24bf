import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { address } from '../../src/core/intent/grammar.ts'
import { makeNode, MODE, type TestPod } from './ambient-node.ts'

const PODS = 250

test('two hundred and fifty pods that start at once are all in, each with its own namespace, and all come out again', async () => {
  const node = await makeNode()
  const pods: TestPod[] = []
  while (pods.length < PODS) pods.push(await node.addPod({ asProcess: false }))
  const agent = await node.startAgent()
  const ztunnel = await agent.ztunnel('look')
  const before = descriptors()
  const told = await Promise.all(pods.map((pod) => agent.add(pod)))
  assert.deepEqual(new Set(told.map((problem) => problem?.code ?? 'in')), new Set(['in']))
  const saw = new Map<string, string>()
  while (saw.size < PODS) {
    const one = await ztunnel.next()
    if (one.saw === 'add') saw.set(one.uid, one.netns)
  }
  assert.deepEqual(saw, new Map(pods.map(({ uid, netns }) => [uid, netns.handle.id])))
  const owners = pods.flatMap(({ uid, address: own }) =>
    [own[4], own[6]].map((one) => [address.parse(one), uid] as const),
  )
  assert.deepEqual(await node.probePath.members(), new Map(owners))
  // one descriptor for each pod: what ztunnel is to be given again
  assert.equal(descriptors() - before, PODS)
  for (const pod of pods) node.api.show(pod, { labels: { [MODE]: 'ambient' } })
  assert.deepEqual(agent.ambient.counts(), { proven: 0, unproven: PODS, waiting: 0 })
  await Promise.all(pods.map(async ({ uid }) => await agent.sandboxes.leave(uid, `box-${uid}`)))
  assert.equal((await node.probePath.members()).size, 0)
  assert.equal(descriptors(), before)
})

function descriptors(): number {
  return readdirSync('/proc/self/fd').length
}
