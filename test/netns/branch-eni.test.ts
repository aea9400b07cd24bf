import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { ProbePath } from '../../src/app/agent/ambient/probe-path.ts'
import { address } from '../../src/core/intent/grammar.ts'
import { PROBE_SOURCE } from '../../src/core/vocabulary/ports.ts'
import { Actor } from './actors.ts'
import { procWithKubelet } from './kubelet.ts'
import { ip, makeNetns, startWorker } from './world.ts'

/**
 * A node as the Amazon VPC CNI makes it for a pod with security groups of its own: its table leads out by a VLAN of the trunk.
 * The VLAN is a pair of its own here, since not every kernel has that device.
 */
const POD = { 4: '10.77.5.2', 6: 'fd77:5::2' } as const
const GATEWAY = { 4: '169.254.1.1', 6: 'fe80::1' } as const
const NODE = { 4: '10.77.1.1', 6: 'fd77:1::1' } as const
const SOURCE = { 4: PROBE_SOURCE.v4, 6: PROBE_SOURCE.v6 }
const FAMILIES = [4, 6] as const
type Family = (typeof FAMILIES)[number]
const DEVICE = 'vlan0pod'
const KUBELET = { uid: 4242, gid: 0 }

const worker = await startWorker()
const proc = await procWithKubelet(KUBELET.uid)
const [host, pod, network] = [makeNetns('node'), makeNetns('pod'), makeNetns('vpc')]
const on = ({ name }: { readonly name: string }, ...args: readonly string[]): string => ip('-n', name, ...args)

sysctl(host, 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1', 'net.ipv4.conf.all.rp_filter=0')
ip('link', 'add', 'trunk0', 'netns', host.name, 'type', 'veth', 'peer', 'eth0', 'netns', network.name)
ip('link', 'add', DEVICE, 'netns', host.name, 'type', 'veth', 'peer', 'eth0', 'netns', pod.name)
ip('link', 'add', 'vlan.eth.1', 'netns', host.name, 'type', 'veth', 'peer', 'vlan1', 'netns', network.name)
for (const [netns, device] of [
  [host, 'trunk0'],
  [host, 'vlan.eth.1'],
  [host, DEVICE],
  [network, 'eth0'],
  [network, 'vlan1'],
  [pod, 'eth0'],
] as const)
  on(netns, 'link', 'set', device, 'up')
const mac = /link\/ether (\S+)/.exec(on(host, 'link', 'show', DEVICE))?.[1] ?? ''
const podMac = /link\/ether (\S+)/.exec(on(pod, 'link', 'show', 'eth0'))?.[1] ?? ''
for (const family of FAMILIES) {
  const length = family === 4 ? 32 : 128
  const [f, dad] = [`-${family}`, family === 6 ? ['nodad'] : []]
  on(host, f, 'address', 'add', `${NODE[family]}/${family === 4 ? 24 : 64}`, 'dev', 'trunk0', ...dad)
  on(pod, f, 'address', 'add', `${POD[family]}/${length}`, 'dev', 'eth0', ...dad)
  on(pod, f, 'neigh', 'add', GATEWAY[family], 'lladdr', mac, 'dev', 'eth0', 'nud', 'permanent')
  on(host, f, 'neigh', 'add', POD[family], 'lladdr', podMac, 'dev', DEVICE, 'nud', 'permanent')
  on(pod, f, 'route', 'add', GATEWAY[family], 'dev', 'eth0')
  on(pod, f, 'route', 'add', 'default', 'via', GATEWAY[family], 'dev', 'eth0')
  on(host, f, 'route', 'add', 'default', 'dev', 'vlan.eth.1', 'table', '101')
  on(host, f, 'route', 'add', POD[family], 'dev', DEVICE, 'table', '101')
  for (const device of ['vlan.eth.1', DEVICE]) on(host, f, 'rule', 'add', 'iif', device, 'lookup', '101', 'pref', '10')
  on(host, f, 'rule', 'add', 'lookup', 'local', 'pref', '20')
  on(host, f, 'rule', 'delete', 'pref', '0')
  on(host, f, 'rule', 'add', 'to', family === 4 ? '192.0.2.7' : '2001:db8::7', 'lookup', '101', 'pref', '512')
}
const app = new Actor('app', pod, { uid: 1000, gid: 1000 })
for (const wildcard of ['0.0.0.0', '::']) await app.tell({ do: 'serve', over: 'tcp', address: wildcard, port: 8080 })
const kubelet = new Actor('kubelet', host, KUBELET)
const given = rules()

const pathOf = (branchEni = true): ProbePath =>
  new ProbePath({
    ...{ worker, host: host.handle, backend: 'libnftables', branchEni, proc },
    node: {
      families: FAMILIES,
      dnsCapture: false,
      probeSource: { 4: address.parse(SOURCE[4]), 6: address.parse(SOURCE[6]) },
    },
  })
const ADDRESSES = FAMILIES.map((family) => address.parse(POD[family]))

beforeEach(async () => {
  setEarlyDemux(0)
  assert.equal(await pathOf().remove(), null)
  assert.deepEqual(rules(), given)
  assert.equal(await pathOf().ensure(), null)
})

for (const family of FAMILIES)
  test(`a probe reaches a pod with a branch interface by the pod's own table, and so does its answer: IPv${family}`, async () => {
    assert.ok('failed' in (await probed(family)))
    assert.equal(await pathOf().put('uid-1', ADDRESSES), null)
    const told = await probed(family)
    assert.ok('seen' in told, JSON.stringify(told))
    assert.ok(told.seen.remote.includes(SOURCE[family]), told.seen.remote)
    assert.deepEqual(
      rules().filter((rule) => !given.includes(rule) && rule.startsWith(String(family))),
      [
        `${family} 9: from all iif ${DEVICE} lookup local proto 83`,
        `${family} 512: from all to ${POD[family]} lookup 101 proto 83`,
      ],
    )
    assert.equal(await pathOf().drop('uid-1'), null)
    assert.deepEqual(rules(), given)
    assert.ok('failed' in (await probed(family)))
  })

test('made again nothing changes, and what somebody took away comes back with the next look', async () => {
  await pathOf().put('uid-1', ADDRESSES)
  const made = rules()
  assert.equal(made.length, given.length + 4)
  const members = await pathOf().members()
  assert.equal(await pathOf().put('uid-1', ADDRESSES), null)
  assert.equal(await pathOf().reconcile(members, true), null)
  assert.deepEqual(rules(), made)
  on(host, '-4', 'rule', 'delete', 'pref', '9')
  assert.ok('failed' in (await probed(4)))
  assert.equal(await pathOf().reconcile(members, false), null)
  assert.deepEqual(rules(), made)
  assert.ok('seen' in (await probed(4)))
})

test('where the host has early demux there are none, and those from before go', async () => {
  setEarlyDemux(1)
  assert.equal(await pathOf().put('uid-1', ADDRESSES), null)
  assert.deepEqual(rules(), given)
  setEarlyDemux(0)
  await pathOf().put('uid-1', ADDRESSES)
  assert.notDeepEqual(rules(), given)
  setEarlyDemux(1)
  const path = pathOf()
  assert.equal(await path.reconcile(await path.members(), false), null)
  assert.deepEqual(rules(), given)
  setEarlyDemux(0)
  assert.equal(await path.reconcile(await path.members(), false), null)
  assert.notDeepEqual(rules(), given)
})

test('an agent that makes none removes those of the one before it', async () => {
  await pathOf().put('uid-1', ADDRESSES)
  assert.notDeepEqual(rules(), given)
  assert.equal(await pathOf(false).reconcile(await pathOf().members(), false), null)
  assert.deepEqual(rules(), given)
})

test('rules of a pod whose device went while no agent ran are removed, once it is known who is there', async () => {
  ip('link', 'add', 'vlan1gone', 'netns', host.name, 'type', 'veth', 'peer', 'gone0', 'netns', network.name)
  on(host, 'link', 'set', 'vlan1gone', 'up')
  on(host, 'route', 'add', '10.77.5.9', 'dev', 'vlan1gone', 'table', '102')
  on(host, 'rule', 'add', 'iif', 'vlan1gone', 'lookup', '102', 'pref', '10')
  await pathOf().put('uid-9', [address.parse('10.77.5.9')])
  assert.equal(rules().filter((rule) => rule.endsWith('proto 83')).length, 2)
  on(host, 'link', 'delete', 'vlan1gone')
  on(host, 'rule', 'delete', 'iif', 'vlan1gone', 'lookup', '102', 'pref', '10')
  assert.equal(await pathOf().reconcile(new Map(), true), null)
  assert.deepEqual(rules(), given)
})

test('a pod that is put in takes no rule of another away', async () => {
  await pathOf().put('uid-1', ADDRESSES)
  const made = rules()
  assert.equal(await pathOf().put('uid-2', [address.parse('10.77.5.7')]), null)
  assert.deepEqual(rules(), made)
})

test('a rule of another that does the same is not repeated, and stays when the pod leaves', async () => {
  on(host, 'rule', 'add', 'to', POD[4], 'lookup', '101', 'pref', '512')
  const others = rules()
  await pathOf().put('uid-1', ADDRESSES.slice(0, 1))
  assert.equal(rules().length, others.length + 1)
  await pathOf().drop('uid-1')
  assert.deepEqual(rules(), others)
  on(host, 'rule', 'delete', 'to', POD[4], 'lookup', '101', 'pref', '512')
})

function rules(): readonly string[] {
  return FAMILIES.flatMap((family) =>
    on(host, `-${family}`, 'rule', 'show')
      .trim()
      .split('\n')
      .map((line) => `${family} ${line.replaceAll(/\s+/g, ' ').trim()}`),
  )
}

async function probed(family: Family): ReturnType<Actor['tell']> {
  return await kubelet.tell({ do: 'dial', over: 'tcp', address: POD[family], port: 8080 })
}

function setEarlyDemux(value: 0 | 1): void {
  sysctl(host, `net.ipv4.tcp_early_demux=${value}`)
}

function sysctl({ name }: { readonly name: string }, ...settings: readonly string[]): void {
  ip('netns', 'exec', name, 'sysctl', '-qw', ...settings)
}
