import assert from 'node:assert/strict'
import { test } from 'node:test'
import { preflight } from '../../src/app/agent/ambient/preflight.ts'
import { ProbePath } from '../../src/app/agent/ambient/probe-path.ts'
import { address } from '../../src/core/intent/grammar.ts'
import type { AmbientNode } from '../../src/core/redirection/ambient.ts'
import type { ProbeMembers } from '../../src/core/redirection/probe-set.ts'
import { PROBE_SOURCE } from '../../src/core/vocabulary/ports.ts'
import { Actor } from './actors.ts'
import { type Named, procWith, procWithKubelet } from './kubelet.ts'
import { podUid } from './pod-process.ts'
import { ADDRESS, type Family, makeScene } from './scene.ts'
import { inNetns, ip, makeNetns, startWorker, type TestNetns } from './world.ts'

/** Not root's: whoever else is on the node must stay apart from it. */
const KUBELET = { uid: 4242, gid: 0 }
const SOURCE = { 4: PROBE_SOURCE.v4, 6: PROBE_SOURCE.v6 }
const POD = [address.parse(ADDRESS.pod[4]), address.parse(ADDRESS.pod[6])]
const NODE: AmbientNode = {
  families: [4, 6],
  dnsCapture: false,
  probeSource: { 4: address.parse(SOURCE[4]), 6: address.parse(SOURCE[6]) },
}
const FOREIGN = `table inet foreign {
  set istio-inpod-probes-v4 { type ipv4_addr; elements = { 192.0.2.1 }; }
  chain postrouting { type nat hook postrouting priority 100; ip daddr 192.0.2.7 counter masquerade; }
}`

const worker = await startWorker()
const proc = await procWithKubelet(KUBELET.uid)
const scene = await makeScene(null, ['app', 'node'])
const kubelet = new Actor('kubelet', scene.node, KUBELET)
const rules = (netns = scene.node): string => inNetns(netns, 'nft', '--stateless', 'list', 'ruleset')
const pathOf = (host = scene.node, from = proc): ProbePath =>
  new ProbePath({ worker, host: host.handle, backend: 'libnftables', node: NODE, branchEni: true, proc: from })

for (const family of [4, 6] as const)
  test(`the kubelet's probes of a pod in the set have a source of their own, and nobody else's have: IPv${family}`, async () => {
    const path = pathOf()
    assert.equal(await path.ensure(), null)
    assert.equal(await sourceSeen(kubelet, family), ADDRESS.node[family])
    assert.equal(await path.put('uid-1', POD), null)
    assert.equal(await sourceSeen(kubelet, family), SOURCE[family])
    assert.equal(await sourceSeen({ tell: (order) => scene.tell('node', order) }, family), ADDRESS.node[family])
    assert.equal(await path.drop('uid-1'), null)
    assert.equal(await sourceSeen(kubelet, family), ADDRESS.node[family])
  })

test('made again nothing changes, what others broke is mended, and members stay through all of it', async () => {
  const path = pathOf()
  await path.ensure()
  await path.put('uid-1', POD)
  const before = rules()
  assert.equal(await path.ensure(), null)
  assert.equal(rules(), before)
  inNetns(scene.node, 'nft', 'flush', 'chain', 'inet', 'istio-ambient-nat', 'postrouting')
  assert.equal(await pathOf().ensure(), null)
  assert.equal(rules(), before)
  assert.equal(await sourceSeen(kubelet, 4), SOURCE[4])
})

test('an address that another pod took is not taken out for the pod before', async () => {
  const path = pathOf()
  await path.ensure()
  await path.put('uid-1', POD)
  assert.equal(await path.put('uid-2', POD.slice(0, 1)), null)
  assert.equal(await path.drop('uid-1'), null)
  assert.deepEqual(await path.members(), members([ADDRESS.pod[4], 'uid-2']))
})

test('the sets come to what is wanted by difference, and nothing goes while that is not known whole', async () => {
  const path = pathOf()
  await path.ensure()
  await path.reconcile(members(['10.1.0.1', 'uid-1'], ['10.1.0.2', 'uid-2']), true)
  const want = members(['10.1.0.2', 'uid-3'], ['fd11::1', 'uid-3'])
  assert.equal(await path.reconcile(want, false), null)
  assert.deepEqual(await path.members(), members(['10.1.0.1', 'uid-1'], ['10.1.0.2', 'uid-3'], ['fd11::1', 'uid-3']))
  assert.equal(await path.reconcile(want, true), null)
  assert.deepEqual(await path.members(), want)
})

test('what others have on the node stays as it is, and removal leaves no trace', async () => {
  const host = makeNetns('host')
  inNetns(host, 'nft', FOREIGN)
  const before = rules(host)
  const path = pathOf(host)
  await path.ensure()
  await path.put('uid-1', POD)
  assert.ok(rules(host).includes('istio-ambient-nat'))
  assert.equal(await path.remove(), null)
  assert.equal(rules(host), before)
  assert.equal(await path.remove(), null)
})

test('three hundred pods that come at once are all in, each once', async () => {
  const host = makeNetns('crowd')
  const path = pathOf(host)
  await path.ensure()
  const all = Array.from({ length: 300 }, (_, i) => [`10.2.${i >> 8}.${i & 255}`, `uid-${i}`] as const)
  const told = await Promise.all(all.map(([one, uid]) => path.put(uid, [address.parse(one)])))
  assert.deepEqual(new Set(told), new Set([null]))
  assert.deepEqual(await path.members(), members(...all))
})

test('a node on which nobody is the kubelet is told, and gets no rule', async () => {
  const host = makeNetns('nobody')
  const told = await pathOf(host, await procWithKubelet(KUBELET.uid, 'cubelet')).ensure()
  assert.equal(told?.code, 'kubelet_not_found')
  assert.equal(rules(host), '')
})

test('a process of a pod that calls itself the kubelet is not taken for it, unless the node is a pod itself', async () => {
  const stranger = { uid: 4243, pod: podUid() }
  const among = async (...all: readonly Named[]): Promise<number | undefined> =>
    pathOf(scene.node, await procWith(all)).kubelet()
  // as after an update of the kubelet, which is a newer process then
  assert.equal(await among(stranger, { uid: KUBELET.uid }), KUBELET.uid)
  assert.equal(await among(stranger, { uid: KUBELET.uid, name: 'k3s-server' }), KUBELET.uid)
  assert.equal(await among(stranger, { uid: KUBELET.uid, name: 'cubelet' }), stranger.uid)
})

test('a kernel that refuses is told in its words', async () => {
  const told = await new ProbePath({
    ...{ worker, host: scene.node.handle, backend: 'libnftables', branchEni: true, proc },
    node: { ...NODE, probeSource: { ...NODE.probeSource, 4: address.parse('fd00::1') } },
  }).ensure()
  assert.equal(told?.code, 'probe_path_not_made')
})

for (const { name, rules: blocking, problem, warnings } of [
  { name: 'nothing is in the way', rules: null, problem: undefined, warnings: [] },
  {
    name: 'something drops what comes from there',
    rules: 'type filter hook postrouting priority 200; ip saddr 169.254.7.127 drop',
    problem: 'probe_path_blocked',
    warnings: [],
  },
  {
    name: 'something translates it once more',
    rules: 'type nat hook postrouting priority 50; ip daddr 198.51.100.254 masquerade',
    problem: 'probe_path_blocked',
    warnings: [],
  },
  {
    name: 'nobody reaches such a pod at all',
    rules: 'type filter hook output priority 0; oifname "sluice-probe" drop',
    problem: undefined,
    warnings: ['probe_path_untold'],
  },
])
  test(`the probe path is tried for real before pods depend on it: ${name}`, async () => {
    const host = makeNetns('tried')
    const path = pathOf(host)
    await path.ensure()
    if (blocking !== null) inNetns(host, 'nft', `table inet other { chain c { ${blocking}; }; }`)
    const [before, links] = [rules(host), inNetnsIp(host)]
    const told = await preflight({ worker, host: host.handle, probePath: path, proc, ...NODE })
    assert.equal(told.problem?.code, problem, JSON.stringify(told))
    assert.deepEqual(
      told.warnings.map(({ code }) => code),
      warnings,
    )
    assert.deepEqual([rules(host), inNetnsIp(host)], [before, links])
  })

function inNetnsIp({ name }: TestNetns): string {
  return ip('-n', name, 'address')
}

async function sourceSeen(who: Pick<Actor, 'tell'>, family: Family): Promise<string> {
  const told = await who.tell({ do: 'dial', over: 'tcp', address: ADDRESS.pod[family], port: 8080 })
  assert.ok('seen' in told, JSON.stringify(told))
  return told.seen.remote.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')
}

function members(...all: readonly (readonly [string, string])[]): ProbeMembers {
  return new Map(all.map(([one, uid]) => [address.parse(one), uid]))
}
