import { closeSync, openSync } from 'node:fs'
import { ADDRESS_FAMILY, addressBytes, type Family, familyOf } from './addresses.ts'
import { libc, SystemError } from './libc.ts'
import { insideNetns, insideScratchNetns, OWN_NETNS } from './namespaces.ts'
import { attribute, attributes, netlink, NLM_F_DUMP, u32 } from './netlink.ts'
import { accept, type Credentials, dialError, remoteEnd, reset, startDial, startListening, waitFor } from './sockets.ts'

/** The two ends of a network between the node and a pod that exists for the length of a call. */
export interface ScratchNetwork {
  readonly node: string
  readonly pod: string
  readonly prefix: number
}

export interface Knock {
  readonly networks: readonly ScratchNetwork[]
  /** who knocks, from the node */
  readonly users: readonly Credentials[]
  readonly patienceMs: number
}

/** Whom the pod saw, for each network and user: an address; null: nobody came, or the answer did not come back. */
export type Knocked = readonly (readonly (string | null)[])[]

const NETLINK_ROUTE = 0
const NLM_F_CREATE_EXCL = 0x400 | 0x200
const RTM = { newLink: 16, delLink: 17, getLink: 18, newAddress: 20, newRoute: 24 } as const
const IFF_UP = 1
const [IFLA_OPERSTATE, IF_OPER_UP] = [16, 6]
const CARRIER_WITHIN_MS = 1_000
const [IFLA_IFNAME, IFLA_LINKINFO, IFLA_NET_NS_FD] = [3, 18, 28]
const [IFLA_INFO_KIND, IFLA_INFO_DATA, VETH_INFO_PEER] = [1, 2, 1]
const [IFA_ADDRESS, IFA_LOCAL, IFA_FLAGS] = [1, 2, 8]
const IFA_F_NODAD = 2
const [RTA_GATEWAY, RT_TABLE_MAIN, RTPROT_BOOT, RTN_UNICAST] = [5, 254, 3, 1]
const [ON_NODE, IN_POD] = ['sluice-probe', 'eth0']
const PORT = 61_001
const TRIES = 5
const ROOT = { uid: 0, gid: 0 }

/**
 * Makes a pod's network on the node that `host` is, knocks at it as each user, and takes everything away again, also where it
 * fails. Called with the thread at `home`; the pod's namespace ends with the call, even where the process does.
 */
export function knockAtScratchPod({ networks, users, patienceMs }: Knock, host: number, home: number): Knocked {
  const pod = insideScratchNetns(home, () => openSync(OWN_NETNS, 'r'))
  try {
    return insideNetns(host, home, () => {
      // what a process that was killed in here left behind ends with its namespace, but maybe a moment late
      removeLink(ON_NODE)
      addPair(pod)
      try {
        insideNetns(pod, host, () => furnish(IN_POD, networks, 'pod'))
        furnish(ON_NODE, networks, 'node')
        awaitCarrier(ON_NODE)
        insideNetns(pod, host, () => awaitCarrier(IN_POD))
        insideNetns(pod, host, () => networks.forEach(({ node }) => addDefaultRoute(node)))
        return networks.map((network) => users.map((user) => knockAgain(network, user, pod, host, patienceMs)))
      } finally {
        removeLink(ON_NODE)
      }
    })
  } finally {
    closeSync(pod)
  }
}

/** What is sent in the first moments of a network may be lost, and TCP itself asks again only after a second. */
function knockAgain(network: ScratchNetwork, user: Credentials, pod: number, host: number, patienceMs: number) {
  for (let tries = 0; tries < TRIES; tries++) {
    const seen = knock(network, user, pod, host, patienceMs / TRIES)
    if (seen !== null) return seen
  }
  return null
}

function knock(network: ScratchNetwork, user: Credentials, pod: number, host: number, patienceMs: number) {
  const family = familyOf(network.pod)
  const listener = insideNetns(pod, host, () => startListening(family, 'tcp', PORT, ROOT))
  const dialled = startDial({ address: network.pod, port: PORT }, user, 1)
  try {
    const [isDone] = waitFor([{ fd: dialled, dials: true }], patienceMs)
    if (isDone !== true || dialError(dialled) !== null) return null
    const visitor = accept(listener)
    if (visitor === null) return null
    const { address } = remoteEnd(visitor, family)
    reset(visitor)
    return address
  } finally {
    reset(dialled)
    libc().close(listener)
  }
}

function furnish(device: string, networks: readonly ScratchNetwork[], end: 'node' | 'pod'): void {
  const index = indexOf(device)
  netlink(NETLINK_ROUTE, RTM.newLink, 0, link(index, IFF_UP))
  for (const network of networks) {
    const bytes = addressBytes(network[end])
    const head = Buffer.from([ADDRESS_FAMILY[familyOf(network[end])], network.prefix, IFA_F_NODAD, 0])
    const body = [head, u32(index), attribute(IFA_LOCAL, bytes), attribute(IFA_ADDRESS, bytes)]
    const flags = attribute(IFA_FLAGS, u32(IFA_F_NODAD))
    netlink(NETLINK_ROUTE, RTM.newAddress, NLM_F_CREATE_EXCL, Buffer.concat([...body, flags]))
  }
}

/** The kernel notes a carrier a moment late, and drops what is sent before. */
function awaitCarrier(device: string): void {
  const index = indexOf(device)
  for (let waited = 0; waited < CARRIER_WITHIN_MS; waited += 10) {
    const links = netlink(NETLINK_ROUTE, RTM.getLink, NLM_F_DUMP, link(0, 0))
    const own = links.find(({ type, body }) => type === RTM.newLink && body.readInt32LE(4) === index)
    if (own !== undefined && attributes(own.body.subarray(16)).get(IFLA_OPERSTATE)?.readUInt8(0) === IF_OPER_UP) return
    libc().poll(Buffer.alloc(8), 0, 10)
  }
}

function addDefaultRoute(gateway: string): void {
  const family: Family = familyOf(gateway)
  const head = Buffer.from([ADDRESS_FAMILY[family], 0, 0, 0, RT_TABLE_MAIN, RTPROT_BOOT, 0, RTN_UNICAST, 0, 0, 0, 0])
  const body = Buffer.concat([head, attribute(RTA_GATEWAY, addressBytes(gateway))])
  netlink(NETLINK_ROUTE, RTM.newRoute, NLM_F_CREATE_EXCL, body)
}

/** One end in the calling thread's namespace, the other in `pod`. */
function addPair(pod: number): void {
  const peer = [link(0, 0), attribute(IFLA_IFNAME, name(IN_POD)), attribute(IFLA_NET_NS_FD, u32(pod))]
  const kind = attribute(IFLA_INFO_KIND, Buffer.from('veth'))
  const info = attribute(IFLA_LINKINFO, kind, attribute(IFLA_INFO_DATA, attribute(VETH_INFO_PEER, ...peer)))
  const body = Buffer.concat([link(0, 0), attribute(IFLA_IFNAME, name(ON_NODE)), info])
  netlink(NETLINK_ROUTE, RTM.newLink, NLM_F_CREATE_EXCL, body)
}

/** The pair goes with one end. */
function removeLink(device: string): void {
  const index = libc().if_nametoindex(device)
  if (index !== 0) netlink(NETLINK_ROUTE, RTM.delLink, 0, link(index, 0))
}

/** `struct ifinfomsg` */
function link(index: number, flags: number): Buffer {
  const head = Buffer.alloc(16)
  head.writeInt32LE(index, 4)
  head.writeUInt32LE(flags, 8)
  head.writeUInt32LE(flags, 12)
  return head
}

function name(device: string): Buffer {
  return Buffer.from(`${device}\0`)
}

function indexOf(device: string): number {
  const index = libc().if_nametoindex(device)
  if (index === 0) throw new SystemError(`interface ${device}`, 'ENODEV')
  return index
}
