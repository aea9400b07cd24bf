import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Actor, Order, Told } from './actors.ts'
import { type AmbientScene, ambientScene, dial, IN } from './ambient-scene.ts'
import { inNetns } from './world.ts'

/** What docs/ambient.md promises of connections that are open when something changes. */

/** A connection: who opens it, to where. */
type Ways = Readonly<Record<string, readonly [Actor, string]>>

/** Between the pod and others, and inside the pod. */
function waysOf({ node, pod, app, neighbour }: AmbientScene): { readonly across: Ways; readonly inside: Ways } {
  const across: Ways = {
    'in by IPv4': [neighbour, pod.address[4]],
    'in by IPv6': [neighbour, pod.address[6]],
    'out by IPv4': [app, node.gateway(pod, 4)],
    'out by IPv6': [app, node.gateway(pod, 6)],
  }
  return { across, inside: { 'to localhost': [app, '127.0.0.1'], 'to itself': [app, pod.address[4]] } }
}

/** How each connection is carried that `orderOf` opens or uses again. */
async function carried(ways: Ways, orderOf: (way: string, to: string) => Order): Promise<Record<string, string>> {
  const told = Object.entries(ways).map(
    async ([way, [who, to]]) => [way, inWord(await who.tell(orderOf(way, to)))] as const,
  )
  return Object.fromEntries(await Promise.all(told))
}

const opened =
  (when: string) =>
  (way: string, to: string): Order =>
    dial(to, `${when} ${way}`)
const usedAgain =
  (when: string) =>
  (way: string): Order => ({ do: 'again', hold: `${when} ${way}` })

function inWord(told: Told): string {
  if (!('seen' in told)) return 'cut'
  return told.seen.proxies.length === 0 ? 'directly' : 'by ztunnel'
}

const all = (ways: Ways, how: string): Record<string, string> =>
  Object.fromEntries(Object.keys(ways).map((way) => [way, how]))

test('what was open before a pod joins is cut and never goes past ztunnel; what ztunnel carries ends when the pod leaves', async () => {
  const scene = await ambientScene()
  const { node, agent, pod } = scene
  const { across, inside } = waysOf(scene)
  node.api.show(pod)
  for (const ways of [across, inside]) assert.deepEqual(await carried(ways, opened('before')), all(ways, 'directly'))
  node.api.show(pod, IN)
  await agent.untilProven(pod)
  assert.deepEqual(await carried(across, usedAgain('before')), all(across, 'cut'))
  assert.deepEqual(await carried(inside, usedAgain('before')), all(inside, 'directly'))
  assert.deepEqual(await carried(across, opened('during')), all(across, 'by ztunnel'))
  node.api.show(pod)
  await agent.untilOut(pod)
  assert.deepEqual(await carried(across, usedAgain('during')), all(across, 'cut'))
  assert.deepEqual(await carried(inside, usedAgain('before')), all(inside, 'directly'))
})

test('what the kernel tracked already when the pod joined goes on, past ztunnel', async () => {
  const scene = await ambientScene()
  const { node, agent, pod } = scene
  const { across } = waysOf(scene)
  inNetns(pod.netns, 'nft', 'table inet own { chain in { type filter hook input priority 0; ct state established; }; }')
  node.api.show(pod)
  assert.deepEqual(await carried(across, opened('before')), all(across, 'directly'))
  node.api.show(pod, IN)
  await agent.untilProven(pod)
  assert.deepEqual(await carried(across, usedAgain('before')), all(across, 'directly'))
  assert.deepEqual(await carried(across, opened('during')), all(across, 'by ztunnel'))
})

test('an agent that goes, one that comes, and rules that change cut nothing', async () => {
  const scene = await ambientScene()
  const { node, agent, pod } = scene
  const { across } = waysOf(scene)
  node.api.show(pod, IN)
  await agent.untilProven(pod)
  assert.deepEqual(await carried(across, opened('during')), all(across, 'by ztunnel'))
  await agent[Symbol.asyncDispose]()
  assert.deepEqual(await carried(across, usedAgain('during')), all(across, 'by ztunnel'))
  const next = await node.startAgent()
  await next.ztunnel('look')
  await next.untilProven(pod)
  assert.deepEqual(await carried(across, usedAgain('during')), all(across, 'by ztunnel'))
  node.api.show(pod, { ...IN, annotations: { 'ambient.istio.io/bypass-inbound-capture': 'true' } })
  await next.until(() => next.ambient.held(pod.uid)?.intent.ingress === true)
  await next.untilProven(pod)
  assert.equal((await carried(across, opened('after')))['in by IPv4'], 'directly')
  assert.deepEqual(await carried(across, usedAgain('during')), all(across, 'by ztunnel'))
})
