import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PROBE_SOURCE } from '../../src/core/vocabulary/ports.ts'
import type { Reason } from '../../src/core/vocabulary/reasons.ts'
import type { Actor } from './actors.ts'
import { type Order, type Seen } from './actors.ts'
import { makeNode, MODE, type TestPod } from './ambient-node.ts'
import { ambientScene, dial, IN } from './ambient-scene.ts'
import { everyRule, istioCase, programAsIstio } from './istio-cni.ts'
import { sysctl } from './scene.ts'
import { inNetns, type TestNetns } from './world.ts'

const ENABLED = { ...IN, annotations: { 'ambient.istio.io/redirection': 'enabled' } }
const PROBE = { 4: PROBE_SOURCE.v4, 6: PROBE_SOURCE.v6 }

test('a running pod joins by its label and leaves by it, its traffic through ztunnel and then its own way', async () => {
  const { node, agent, pod, app, kubelet, neighbour } = await ambientScene()
  node.api.show(pod)
  assert.deepEqual(await carriers(neighbour, pod), [[], []])
  node.api.show(pod, IN)
  await agent.untilProven(pod)
  assert.deepEqual(await carriers(neighbour, pod), [['PROXY ztunnel 15006'], ['PROXY ztunnel 15006']])
  assert.deepEqual((await seen(app, dial(node.gateway(pod, 4)))).proxies, ['PROXY ztunnel 15001'])
  await agent.until(() => agent.marks.get(pod.uid) === 'enabled')
  for (const family of [4, 6] as const) {
    const probe = await seen(kubelet, dial(pod.address[family]))
    assert.deepEqual([probe.proxies, addressOf(probe.remote)], [[], PROBE[family]])
  }
  node.api.show(pod)
  await agent.untilOut(pod)
  assert.deepEqual(await carriers(neighbour, pod), [[], []])
  assert.equal(addressOf((await seen(kubelet, dial(pod.address[4]))).remote), node.gateway(pod, 4))
  assert.equal(rulesIn(pod.netns), '')
  assert.equal((await node.probePath.members()).size, 0)
})

test('a namespace that is labelled takes its pods in, and a pod in it may refuse', async () => {
  const { node, agent, pod } = await ambientScene()
  const other = await node.addPod()
  node.api.show(pod)
  node.api.show(other, { labels: { [MODE]: 'none' } })
  node.api.namespaces.set('shop', { [MODE]: 'ambient' })
  await agent.untilProven(pod)
  assert.equal(agent.ambient.held(other.uid), undefined)
  node.api.namespaces.delete('shop')
  await agent.until(() => true)
  assert.ok(agent.ambient.held(pod.uid), 'a namespace that is not known is no reason to leave')
  node.api.namespaces.set('shop', {})
  await agent.untilOut(pod)
})

test('a pod comes in while its sandbox is made, and before that ztunnel must answer', async () => {
  const { node, agent, pod, ztunnel } = await ambientScene()
  assert.equal(await agent.add(pod), null)
  node.api.show(pod, IN)
  await agent.until(() => agent.marks.get(pod.uid) === 'enabled')
  await ztunnel[Symbol.asyncDispose]()
  const other = await node.addPod()
  await agent.until(() => agent.events.some(({ is }) => is === 'closed'))
  assert.equal((await agent.add(other))?.code, 'ztunnel_not_connected')
  assert.equal(rulesIn(other.netns), '')
  assert.deepEqual([...(await node.probePath.members()).values()], [pod.uid, pod.uid])
})

test('a runtime that gives up leaves nothing behind', async () => {
  const { node, agent, pod, ztunnel } = await ambientScene()
  ztunnel.tell({ do: 'wait' })
  const stop = new AbortController()
  const answer = agent.add(pod, stop.signal)
  await agent.until(() => true)
  stop.abort()
  assert.equal((await answer)?.code, 'ambient_too_late')
  assert.equal(rulesIn(pod.netns), '')
  assert.equal((await node.probePath.members()).size, 0)
})

test('nor does one that gives up a second question about a sandbox take out what the first brought in', async () => {
  const { agent, pod, neighbour } = await ambientScene()
  assert.equal(await agent.add(pod), null)
  const before = rulesIn(pod.netns)
  assert.equal((await agent.add(pod, AbortSignal.abort()))?.code, 'ambient_too_late')
  assert.equal(rulesIn(pod.netns), before)
  assert.deepEqual(await carriers(neighbour, pod), [['PROXY ztunnel 15006'], ['PROXY ztunnel 15006']])
})

test('after a reboot without drain a pod that says enabled and has nothing is found, mended and measured', async () => {
  const { node, agent, pod, neighbour } = await ambientScene()
  node.api.show(pod, ENABLED)
  await agent.untilProven(pod)
  assert.deepEqual(await carriers(neighbour, pod), [['PROXY ztunnel 15006'], ['PROXY ztunnel 15006']])
})

test('a pod that runs and is not found is told and looked for until it is', async () => {
  const { node, agent } = await ambientScene()
  const hidden = await node.addPod({ asProcess: false })
  node.api.show(hidden, ENABLED)
  await agent.until(() => agent.ambient.alarms().length > 0)
  assert.deepEqual(
    agent.ambient.alarms().map(({ code }) => code),
    ['netns_not_found'],
  )
  assert.equal(agent.ambient.counts().waiting, 1)
  await agent.until(() => agent.marks.get(hidden.uid) === 'pending')
  await node.startProcess(hidden)
  await agent.untilProven(hidden)
  assert.deepEqual(agent.ambient.alarms(), [])
})

test('rules that somebody takes out of a pod are an alarm until they are made again and measured', async () => {
  const { node, agent, pod } = await ambientScene()
  node.api.show(pod, IN)
  await agent.untilProven(pod)
  inNetns(pod.netns, 'nft', 'flush', 'chain', 'inet', 'istio-ambient-nat', 'output')
  const held = agent.ambient.held(pod.uid)
  assert.ok(held)
  const verdict = await agent.enrolment.measure(pod.netns.handle, held.intent)
  assert.equal(verdict.is, 'partial')
  agent.ambient.judged(pod.uid, verdict)
  await agent.untilProven(pod)
})

test('an agent that starts anew takes its pods over, and nothing that works is touched', async () => {
  const { node, agent, pod, ztunnel, neighbour } = await ambientScene()
  node.api.show(pod, IN)
  await agent.untilProven(pod)
  const [before, members] = [rulesIn(pod.netns), await node.probePath.members()]
  await agent[Symbol.asyncDispose]()
  await ztunnelSaw(ztunnel, 'hang-up')
  assert.deepEqual(await carriers(neighbour, pod), [['PROXY ztunnel 15006'], ['PROXY ztunnel 15006']])
  node.api.show(pod, ENABLED)
  const next = await node.startAgent()
  await next.until(() => next.ambient.alarms().length > 0)
  assert.deepEqual(
    next.ambient.alarms().map(({ code }) => code),
    ['ztunnel_not_connected'],
  )
  assert.equal(rulesIn(pod.netns), before)
  assert.deepEqual(await node.probePath.members(), members)
  await next.ztunnel()
  await next.untilProven(pod)
})

test('a pod that has finished is out of every set before its address is somebody else’s', async () => {
  const { node, agent, pod } = await ambientScene()
  node.api.show(pod, IN)
  await agent.untilProven(pod)
  node.api.show(pod, { ...ENABLED, phase: 'Succeeded' })
  await agent.untilOut(pod)
  assert.equal((await node.probePath.members()).size, 0)
  await agent.until(() => agent.marks.get(pod.uid) === null)
})

test('an annotation that changes what a pod wants changes its rules', async () => {
  const { node, agent, pod, neighbour } = await ambientScene()
  node.api.show(pod, IN)
  await agent.untilProven(pod)
  const annotations = { 'ambient.istio.io/bypass-inbound-capture': 'true', 'ambient.istio.io/dns-capture': 'false' }
  node.api.show(pod, { ...IN, annotations })
  await agent.until(() => agent.ambient.held(pod.uid)?.intent.ingress === true)
  await agent.untilProven(pod)
  assert.deepEqual(await carriers(neighbour, pod), [[], []])
  assert.ok(!rulesIn(pod.netns).includes('15053'))
})

test('a node that may not bring pods in says why, and keeps those that are in', async () => {
  const { node, agent, pod, ztunnel } = await ambientScene()
  node.api.show(pod, IN)
  await agent.untilProven(pod)
  await agent[Symbol.asyncDispose]()
  await ztunnelSaw(ztunnel, 'hang-up')
  const next = await node.startAgent({ unable: () => ({ code: 'kubelet_not_found', args: { proc: '/proc' } }) })
  await next.ztunnel()
  const other = await node.addPod()
  node.api.show(pod, ENABLED)
  node.api.show(other, IN)
  await next.untilProven(pod)
  await next.until(() => next.ambient.alarms().length > 0)
  assert.equal((await next.add(other))?.code, 'kubelet_not_found')
  assert.equal(next.ambient.held(other.uid), undefined)
})

test('beside another owner of the socket a pod starts only if that one made rules, and the routes that they need', async () => {
  const node = await makeNode()
  const owned: Reason = { code: 'ztunnel_socket_owned', args: { socket: 'another' } }
  const agent = await node.startAgent({ unable: () => owned })
  const istio = istioCase('ambient-pod-dnsGlobal-podunset-virt0_ipv6')
  const [whole, half, withoutLo] = [await node.addPod(), await node.addPod(), await node.addPod()]
  programAsIstio(whole.netns, istio, 'nft')
  programAsIstio(half.netns, { ...istio, network: istio.network.slice(1) }, 'nft')
  // where lo has no IPv6, Istio makes no route of it there, and no kernel would
  sysctl(withoutLo.netns, 'net.ipv6.conf.lo.disable_ipv6=1')
  const possible = istio.network.filter((command) => !command.startsWith('ip -6 route'))
  assert.equal(possible.length, istio.network.length - 1)
  programAsIstio(withoutLo.netns, { ...istio, network: possible }, 'nft')
  const pods = [whole, half, withoutLo]
  const before = pods.map(({ netns }) => everyRule(netns))
  const answers = []
  for (const pod of pods) answers.push(await agent.add(pod))
  assert.deepEqual(answers, [null, owned, null])
  assert.deepEqual(
    pods.map(({ netns }) => everyRule(netns)),
    before,
  )
})

test('a node that Sluice is taken off lets every pod go, and its traffic goes its own way', async () => {
  const { node, agent: first, pod, neighbour } = await ambientScene()
  await first[Symbol.asyncDispose]()
  let reason: Reason | null = null
  const agent = await node.startAgent({ retired: () => reason })
  await agent.ztunnel()
  node.api.show(pod, IN)
  await agent.untilProven(pod)
  reason = { code: 'cni_uninstalled', args: { until: 'later' } }
  await agent.untilOut(pod)
  assert.equal(rulesIn(pod.netns), '')
  assert.equal((await node.probePath.members()).size, 0)
  assert.deepEqual(await carriers(neighbour, pod), [[], []])
})

test('pods that join and leave under load lose no new connection', async () => {
  const { node, agent, pod, neighbour } = await ambientScene()
  node.api.show(pod)
  const load = { asked: 0, failed: [] as string[], stop: false }
  const running = (async () => {
    while (!load.stop) {
      const told = await neighbour.tell(dial(pod.address[4]))
      load.asked++
      if (!('seen' in told)) load.failed.push(JSON.stringify(told))
    }
  })()
  // on a slow machine a round has room for few connections
  let rounds = 0
  for (; rounds < 3 || (load.asked <= 50 && rounds < 30); rounds++) {
    node.api.show(pod, IN)
    await agent.untilProven(pod)
    node.api.show(pod)
    await agent.untilOut(pod)
  }
  load.stop = true
  await running
  assert.ok(load.asked > 50, `${load.asked} connections`)
  // at a leave ztunnel ends at once what it carries: the one that is under way then may break, and no other
  assert.ok(load.failed.length <= rounds, `${load.failed.length} of ${load.asked} failed: ${load.failed.join()}`)
})

async function seen(who: Actor, order: Order): Promise<Seen> {
  const told = await who.tell(order)
  assert.ok('seen' in told, JSON.stringify(told))
  return told.seen
}

/** Who carries what `who` sends to the pod, in each family. */
async function carriers(who: Actor, { address }: TestPod): Promise<readonly (readonly string[])[]> {
  const all = []
  for (const family of [4, 6] as const) all.push((await seen(who, dial(address[family]))).proxies)
  return all
}

async function ztunnelSaw(ztunnel: { next(): Promise<{ readonly saw: string }> }, what: string): Promise<void> {
  while ((await ztunnel.next()).saw !== what) continue
}

function addressOf(end: string): string {
  return end.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')
}

function rulesIn(netns: TestNetns): string {
  return inNetns(netns, 'nft', '--stateless', 'list', 'ruleset')
}
