import { ADDRESS_FAMILY, addressBytes, type Family, familyOf } from './addresses.ts'
import { check, libc, SystemError } from './libc.ts'
import { insideNetns, insideScratchNetns, OWN_NETNS } from './namespaces.ts'
import { attribute, attributes, netlink, NLM_F_DUMP, u32 } from './netlink.ts'

/** The two ends of a network between a node and a pod that is made to try something. */
export interface ScratchNetwork {
  readonly node: string
  readonly pod: string
  readonly prefix: number
}

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
const IN_POD = 'eth0'
/** The kernel heeds it only where the other end's is given, too. */
const INDEX_IN_POD = 40
const O_CLOEXEC = 0o2000000

/**
 * A network namespace of its own that nobody else sees and that ends with its last descriptor, even where the process is killed.
 * `libc().close` closes it, in whichever thread: one that `node:fs` opened would be closed once more when its thread ends.
 */
export function openScratchNetns(home: number): number {
  return insideScratchNetns(home, () => check('open', libc().open(OWN_NETNS, O_CLOEXEC)))
}

/**
 * Joins the calling thread's namespace, whose descriptor is `host`, with `pod` as a node is with a pod of its own: addresses, a default
 * route, loopback. `onNode` is the name of the node's end, for `removeLink`, and `index` its number, where nobody else has it: between
 * ends of one number, as empty namespaces give them, the kernel may notice the carrier only after a second.
 */
export function joinPod(
  pod: number,
  host: number,
  { onNode, index = 0 }: { readonly onNode: string; readonly index?: number },
  networks: readonly ScratchNetwork[],
): void {
  addPair(pod, onNode, index)
  insideNetns(pod, host, () => {
    bringUp('lo')
    furnish(IN_POD, networks, 'pod')
  })
  furnish(onNode, networks, 'node')
  awaitCarrier(onNode)
  insideNetns(pod, host, () => {
    awaitCarrier(IN_POD)
    for (const { node } of networks) addDefaultRoute(node)
  })
}

function furnish(device: string, networks: readonly ScratchNetwork[], end: 'node' | 'pod'): void {
  bringUp(device)
  const index = indexOf(device)
  for (const network of networks) {
    const bytes = addressBytes(network[end])
    const head = Buffer.from([ADDRESS_FAMILY[familyOf(network[end])], network.prefix, IFA_F_NODAD, 0])
    const body = [head, u32(index), attribute(IFA_LOCAL, bytes), attribute(IFA_ADDRESS, bytes)]
    const flags = attribute(IFA_FLAGS, u32(IFA_F_NODAD))
    netlink(NETLINK_ROUTE, RTM.newAddress, NLM_F_CREATE_EXCL, Buffer.concat([...body, flags]))
  }
}

function bringUp(device: string): void {
  netlink(NETLINK_ROUTE, RTM.newLink, 0, link(indexOf(device), IFF_UP))
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
function addPair(pod: number, onNode: string, index: number): void {
  const peer = [link(INDEX_IN_POD, 0), attribute(IFLA_IFNAME, name(IN_POD)), attribute(IFLA_NET_NS_FD, u32(pod))]
  const kind = attribute(IFLA_INFO_KIND, Buffer.from('veth'))
  const info = attribute(IFLA_LINKINFO, kind, attribute(IFLA_INFO_DATA, attribute(VETH_INFO_PEER, ...peer)))
  const body = Buffer.concat([link(index, 0), attribute(IFLA_IFNAME, name(onNode)), info])
  netlink(NETLINK_ROUTE, RTM.newLink, NLM_F_CREATE_EXCL, body)
}

/** The pair goes with one end. */
export function removeLink(device: string): void {
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
