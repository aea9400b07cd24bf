import { Actor, type Order, type Told, type User } from './actors.ts'
import { type EnvoyOptions, startEnvoy } from './envoy.ts'
import { inNetns, ip, makeNetns, type TestNetns } from './world.ts'

export type Family = 4 | 6

/** A pod on a node, somebody elsewhere, a second network that the pod is in, and a virtual machine behind the pod. */
export const ADDRESS = {
  pod: { 4: '10.77.0.2', 6: 'fd77::2' },
  node: { 4: '10.77.0.1', 6: 'fd77::1' },
  peer: { 4: '10.77.1.2', 6: 'fd77:1::2' },
  'node to peer': { 4: '10.77.1.1', 6: 'fd77:1::1' },
  /** the service whose only endpoint is the pod's port 8080 */
  service: { 4: '10.96.0.80', 6: 'fd96::80' },
  'pod on net1': { 4: '10.78.0.2', 6: 'fd78::2' },
  'peer on net1': { 4: '10.78.0.3', 6: 'fd78::3' },
  'pod to vm': { 4: '10.79.0.1', 6: 'fd79::1' },
  vm: { 4: '10.79.0.2', 6: 'fd79::2' },
  localhost: { 4: '127.0.0.1', 6: '::1' },
} as const satisfies Readonly<Record<string, Readonly<Record<Family, string>>>>
export type Place = keyof typeof ADDRESS

export const PROXY_USER = { uid: 1337, gid: 1337 }
const ROOT = { uid: 0, gid: 0 }

const USER = {
  app: { uid: 1000, gid: 1000 },
  /** a program with the proxy's own user */
  proxy: PROXY_USER,
  /** another user of the proxy's group */
  group: { uid: 1002, gid: PROXY_USER.gid },
  /** an application whose group is one that owner groups name */
  grouped: { uid: 1001, gid: 2000 },
  root: ROOT,
  node: ROOT,
  kubelet: { uid: 4242, gid: 0 },
  peer: ROOT,
  vm: ROOT,
} as const satisfies Readonly<Record<string, User>>
export type Who = keyof typeof USER

export interface Scene {
  readonly pod: TestNetns
  readonly node: TestNetns
  readonly tell: (who: Who, order: Order) => Promise<Told>
}

/** Builds the scene with a proxy in the pod (none: null) and the actors that are needed, who serve from then on. */
export async function makeScene(
  proxy: Omit<EnvoyOptions, 'resolver'> | null,
  needed: readonly Who[],
  pod = makeNetns('pod'),
): Promise<Scene> {
  const [node, peer, vm] = [makeNetns('node'), makeNetns('peer'), makeNetns('vm')]
  for (const netns of [pod, node, peer, vm]) sysctl(netns, 'net.ipv6.conf.default.accept_dad=0')
  join([pod, 'eth0', 'pod'], [node, 'pod0', 'node'])
  join([peer, 'eth0', 'peer'], [node, 'peer0', 'node to peer'])
  join([pod, 'net1', 'pod on net1'], [peer, 'net1', 'peer on net1'])
  join([pod, 'tap0', 'pod to vm'], [vm, 'eth0', 'vm'])
  for (const family of [4, 6] as const) {
    route(pod, family, 'default', 'node')
    route(peer, family, 'default', 'node to peer')
    route(vm, family, 'default', 'pod to vm')
    for (const place of ['pod to vm', 'pod on net1'] as const) route(node, family, networkOf(place, family), 'pod')
  }
  for (const router of [node, pod])
    sysctl(router, 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1', 'net.ipv4.conf.all.send_redirects=0')
  inNetns(node, 'nft', SERVICE)
  if (proxy !== null) await startEnvoy(pod, { ...proxy, resolver: ADDRESS.peer[4] })
  const place: Readonly<Record<Who, TestNetns>> = {
    app: pod,
    proxy: pod,
    group: pod,
    grouped: pod,
    root: pod,
    kubelet: node,
    node,
    peer,
    vm,
  }
  const actors = new Map(needed.map((who) => [who, new Actor(who, place[who], USER[who])]))
  const tell: Scene['tell'] = (who, order) => {
    const actor = actors.get(who)
    if (actor === undefined) throw new Error(`${who} is not in this scene`)
    return actor.tell(order)
  }
  await Promise.all(needed.map((who) => serve(tell, who)))
  return { pod, node, tell }
}

/** What kube-proxy does for a service whose client may be its own endpoint. */
const SERVICE = `table inet service {
  chain to { type nat hook prerouting priority -100;
    ip daddr ${ADDRESS.service[4]} tcp dport 80 dnat ip to ${ADDRESS.pod[4]}:8080;
    ip6 daddr ${ADDRESS.service[6]} tcp dport 80 dnat ip6 to [${ADDRESS.pod[6]}]:8080; }
  chain from { type nat hook postrouting priority 100; ct status dnat masquerade; }
}`

/** Ports that somebody serves, on all of their addresses. */
const SERVED: Readonly<Partial<Record<Who, readonly number[]>>> = {
  app: [8080, 9090],
  /** HBONE, and the health port of the agent beside Envoy */
  proxy: [15008, 15021],
  peer: [80, 8443, 53, 5353],
}

const DATAGRAMS = [53, 5353]

async function serve(tell: Scene['tell'], who: Who): Promise<void> {
  for (const port of SERVED[who] ?? [])
    for (const over of DATAGRAMS.includes(port) ? (['tcp', 'udp'] as const) : (['tcp'] as const))
      for (const address of ['0.0.0.0', '::']) {
        const told = await tell(who, { do: 'serve', over, address, port })
        if (!('done' in told)) throw new Error(`${who} cannot serve ${over} ${port}: ${JSON.stringify(told)}`)
      }
}

type End = readonly [TestNetns, string, Place]

/** Joins two namespaces by a pair of interfaces with addresses of both families. */
function join(...[left, right]: readonly [End, End]): void {
  ip('link', 'add', left[1], 'netns', left[0].name, 'type', 'veth', 'peer', right[1], 'netns', right[0].name)
  for (const [{ name }, device, place] of [left, right]) {
    ip('-n', name, 'address', 'add', `${ADDRESS[place][4]}/24`, 'dev', device)
    ip('-n', name, 'address', 'add', `${ADDRESS[place][6]}/64`, 'dev', device, 'nodad')
    ip('-n', name, 'link', 'set', device, 'up')
  }
}

/** The network that an address of the scene is in. */
function networkOf(place: Place, family: Family): string {
  return ADDRESS[place][family].replace(/[0-9]+$/, family === 4 ? '0/24' : '/64')
}

function route({ name }: TestNetns, family: Family, to: string, via: Place): void {
  ip('-n', name, `-${family}`, 'route', 'add', to, 'via', ADDRESS[via][family])
}

export function sysctl({ name }: TestNetns, ...settings: readonly string[]): void {
  ip('netns', 'exec', name, 'sysctl', '-qw', ...settings)
}
