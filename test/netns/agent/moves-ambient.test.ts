import assert from 'node:assert/strict'
import { openSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Ztunnels } from '../../../src/app/agent/ambient/ztunnels.ts'
import type { JournalEntry } from '../../../src/app/agent/journal.ts'
import { address } from '../../../src/core/intent/grammar.ts'
import { Actor, type Told } from '../actors.ts'
import { KUBELET, makeNode, type TestPod } from '../ambient-node.ts'
import { everyRule, istioCase, programAsIstio } from '../istio-cni.ts'
import { untilEnd } from '../world.ts'
import { Ztunnel } from '../ztunnel.ts'
import { startAmbientAgent } from './ambient-agent.ts'
import { callPlugin, type PluginEnd } from './node.ts'

/**
 * A node whose ambient pods istio-cni serves, and Sluice's agent beside it. Istio's agent is played by the test: its end of ztunnel's
 * socket, its rules in the pods, its rules on the host. ztunnel carries traffic all the while, and a neighbour and the kubelet ask.
 */
const ISTIO = istioCase('ambient-pod-dnsGlobal-podunset-virt0_ipv6')
const NEIGHBOUR = { uid: 65_534, gid: 65_534 }
const APP = { uid: 1000, gid: 1000 }
const ENABLED = { 'ambient.istio.io/redirection': 'enabled' }

function asIstio(socket: string): Ztunnels {
  return Ztunnels.start({ socket, onEvent: () => {} })
}

/** As istio-cni brings a pod in: rules, ztunnel, the way of probes. */
async function bringIn(owner: Ztunnels, { uid, netns }: TestPod): Promise<void> {
  programAsIstio(netns, ISTIO, 'iptables-nft')
  const info = { name: 'web', namespace: 'shop', serviceAccount: 'web' }
  assert.equal(await owner.add({ uid, info, netns: openSync(netns.path, 'r') }), null)
}

/** Asks again and again until it is told to end, and then says what came. */
function asking(who: Actor, to: string): () => Promise<readonly Told[]> {
  const told: Told[] = []
  const stop = new AbortController()
  const running = (async () => {
    while (!stop.signal.aborted) told.push(await who.tell({ do: 'dial', over: 'tcp', address: to, port: 8080 }))
  })()
  return async () => {
    stop.abort()
    await running
    return told
  }
}

const carriersIn = (all: readonly Told[]): ReadonlySet<string> =>
  new Set(all.map((told) => ('seen' in told ? told.seen.proxies.join() : JSON.stringify(told))))

test('ztunnel and the way of probes pass from istio-cni to Sluice and back, and no connection fails', async () => {
  const node = await makeNode()
  const [pod, other] = [await node.addPod({ asProcess: false }), await node.addPod()]
  const app = new Actor('app', pod.netns, APP)
  for (const all of ['0.0.0.0', '::']) await app.tell({ do: 'serve', over: 'tcp', address: all, port: 8080 })
  const [neighbour, kubelet] = [
    new Actor('neighbour', other.netns, NEIGHBOUR),
    new Actor('kubelet', node.host, KUBELET),
  ]
  const probed = new Map([pod.address[4], pod.address[6]].map((one) => [address.parse(one), pod.uid]))
  await node.probePath.reconcile(probed, false)

  const place = node.socket
  let owner = asIstio(place)
  const ztunnel = new Ztunnel(place, 0, 'daemon')
  assert.deepEqual(await ztunnel.see(2), [{ saw: 'connected' }, { saw: 'snapshot' }])
  await bringIn(owner, pod)

  const { agent, until, folder } = await startAmbientAgent(node, [pod], { annotations: ENABLED, ztunnelSocket: place })
  await until('sluice_alarms{reason="ztunnel_socket_owned"} 1')
  const rules = everyRule(pod.netns)
  const ends = [asking(neighbour, pod.address[4]), asking(neighbour, pod.address[6]), asking(kubelet, pod.address[4])]

  const add = async (sandboxPod: TestPod): Promise<PluginEnd> =>
    await callPlugin({
      folder,
      sandbox: {
        netns: sandboxPod.netns,
        containerId: `box-${sandboxPod.uid}`,
        uid: sandboxPod.uid,
        address: sandboxPod.address[4],
      },
      annotations: {
        'kubernetes.io/config.source': 'api',
        'sluice-mesh.io/decided': 'ambient',
        'sluice-mesh.io/intent': ISTIO.intentText,
      },
    })
  const [right, bare] = [await node.addPod(), await node.addPod()]
  await bringIn(owner, right)
  const before = everyRule(right.netns)
  assert.equal((await add(right)).code, 0)
  assert.equal(everyRule(right.netns), before)
  const { entries } = JSON.parse(readFileSync(join(folder, 'run/journal.json'), 'utf8')) as { entries: JournalEntry[] }
  assert.equal(entries.find(({ uid }) => uid === right.uid)?.rules, 'found')
  assert.match((await add(bare)).error?.msg ?? '', /^sluice: ztunnel_socket_owned: /)

  // istio-cni goes
  await owner[Symbol.asyncDispose]()
  await until('sluice_alarms{reason="ztunnel_socket_owned"} 0')
  await until('sluice_ambient_pods{state="proven"} 1')
  assert.equal(everyRule(pod.netns), rules)

  // and comes again: the socket is its own before Sluice's agent ends
  rmSync(place)
  owner = untilEnd(asIstio(place))
  await until('sluice_alarms{reason="ztunnel_socket_owned"} 1')
  for (const one of [pod, right, bare])
    void owner.add({
      uid: one.uid,
      info: { name: 'web', namespace: 'shop', serviceAccount: 'web' },
      netns: openSync(one.netns.path, 'r'),
    })
  await agent.close()
  while ((await ztunnel.next()).saw !== 'snapshot') continue
  const [four, six, probes] = await Promise.all(ends.map(async (end) => await end()))
  assert.deepEqual(carriersIn(four ?? []), new Set(['PROXY ztunnel 15006']))
  assert.deepEqual(carriersIn(six ?? []), new Set(['PROXY ztunnel 15006']))
  assert.deepEqual(carriersIn(probes ?? []), new Set(['']))
  assert.ok((four?.length ?? 0) > 20, `${four?.length} connections`)
  assert.equal(everyRule(pod.netns), rules)
})
