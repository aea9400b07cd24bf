import { ADDRESS_FAMILY, addressBytes, type Endpoint, familyOf } from './addresses.ts'
import { SystemError } from './libc.ts'
import { attribute, attributes, netlink } from './netlink.ts'

/** One flow that the kernel tracks, as its first packet was sent. */
export interface Flow {
  readonly protocol: 'tcp' | 'udp'
  readonly from: Endpoint
  readonly to: Endpoint
  /** the conntrack zone; rules put some flows into one of their own */
  readonly zone: number
}

const NETLINK_NETFILTER = 12
const IPCTNL_MSG_CT_GET = 0x0101
const NLA_F_NESTED = 0x8000
const CTA_TUPLE_ORIG = 1
const CTA_TUPLE_REPLY = 2
const CTA_ZONE = 18
const CTA_TUPLE_IP = 1
const CTA_TUPLE_PROTO = 2
const CTA_PROTO_NUM = 1
const CTA_PROTO_SRC_PORT = 2
const CTA_PROTO_DST_PORT = 3
/** source and destination address, by family */
const CTA_IP = { 4: [1, 2], 6: [3, 4] } as const
const PROTOCOL = { tcp: 6, udp: 17 } as const

/**
 * The port that answers `flow` in the calling thread's namespace: another than the one it was sent to if rules redirected
 * it; null if the kernel tracks no such flow. Throws a SystemError where it cannot be asked (no nf_conntrack_netlink).
 */
export function answeringPort(flow: Flow): number | null {
  const family = familyOf(flow.to.address)
  const head = Buffer.from([ADDRESS_FAMILY[family], 0, 0, 0])
  const [source, destination] = CTA_IP[family]
  const addresses = nested(
    CTA_TUPLE_IP,
    attribute(source, addressBytes(flow.from.address)),
    attribute(destination, addressBytes(flow.to.address)),
  )
  const ports = nested(
    CTA_TUPLE_PROTO,
    attribute(CTA_PROTO_NUM, Buffer.from([PROTOCOL[flow.protocol]])),
    attribute(CTA_PROTO_SRC_PORT, u16(flow.from.port)),
    attribute(CTA_PROTO_DST_PORT, u16(flow.to.port)),
  )
  const body = Buffer.concat([head, nested(CTA_TUPLE_ORIG, addresses, ports), attribute(CTA_ZONE, u16(flow.zone))])
  try {
    const [found] = netlink(NETLINK_NETFILTER, IPCTNL_MSG_CT_GET, 0, body)
    return found === undefined ? null : sourcePortOfReply(found.body)
  } catch (error) {
    if (error instanceof SystemError && error.code === 'ENOENT') return null
    throw error
  }
}

function sourcePortOfReply(body: Buffer): number | null {
  const reply = attributes(body.subarray(4)).get(CTA_TUPLE_REPLY)
  const ports = reply === undefined ? undefined : attributes(reply).get(CTA_TUPLE_PROTO)
  return ports === undefined ? null : (attributes(ports).get(CTA_PROTO_SRC_PORT)?.readUInt16BE(0) ?? null)
}

function nested(type: number, ...inner: readonly Buffer[]): Buffer {
  return attribute(type | NLA_F_NESTED, ...inner)
}

function u16(value: number): Buffer {
  const out = Buffer.alloc(2)
  out.writeUInt16BE(value, 0)
  return out
}
