import { addressText } from './addresses.ts'
import { attributes, netlink, type NetlinkMessage, NLM_F_DUMP } from './netlink.ts'

/** An address that an interface has; interfaces that are down are not listed. */
export interface InterfaceAddress {
  readonly device: string
  readonly address: string
  /** of the loopback interface */
  readonly internal: boolean
}

const NETLINK_ROUTE = 0
const RTM_NEWLINK = 16
const RTM_GETLINK = 18
const RTM_NEWADDR = 20
const RTM_GETADDR = 22
const IFINFOMSG = 16
const IFADDRMSG = 8
const IFLA_IFNAME = 3
const IFA_ADDRESS = 1
const IFA_LOCAL = 2
const IFF_UP = 0x1
const IFF_LOOPBACK = 0x8

/**
 * The addresses of the calling thread's namespace, as rtnetlink(7) tells. Node's own list leaves out an interface that is up and
 * whose carrier the kernel has not noted yet, which is every pod's in the moment in which its network has just been made.
 */
export function interfaceAddresses(): readonly InterfaceAddress[] {
  const devices = new Map(
    dump(RTM_GETLINK, RTM_NEWLINK, IFINFOMSG).map((body) => {
      const flags = body.readUInt32LE(8)
      const name = attributes(body.subarray(IFINFOMSG)).get(IFLA_IFNAME)?.toString().replace(/\0$/, '') ?? ''
      return [body.readInt32LE(4), { name, isUp: (flags & IFF_UP) !== 0, internal: (flags & IFF_LOOPBACK) !== 0 }]
    }),
  )
  return dump(RTM_GETADDR, RTM_NEWADDR, IFADDRMSG).flatMap((body) => {
    const device = devices.get(body.readUInt32LE(4))
    const found = attributes(body.subarray(IFADDRMSG))
    // of a point-to-point link the first is the own end
    const bytes = found.get(IFA_LOCAL) ?? found.get(IFA_ADDRESS)
    if (device?.isUp !== true || bytes === undefined) return []
    return [{ device: device.name, address: addressText(Buffer.from(bytes)), internal: device.internal }]
  })
}

function dump(asks: number, answers: number, length: number): readonly Buffer[] {
  const messages: readonly NetlinkMessage[] = netlink(NETLINK_ROUTE, asks, NLM_F_DUMP, Buffer.alloc(length))
  return messages.filter(({ type }) => type === answers).map(({ body }) => body)
}
