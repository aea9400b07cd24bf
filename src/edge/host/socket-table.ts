import {
  ADDRESS_FAMILY,
  addressBytes,
  addressText,
  AF_INET6,
  type Endpoint,
  type Family,
  familyOf,
} from './addresses.ts'
import { SystemError } from './libc.ts'
import { attributes, netlink, NLM_F_DUMP, type NetlinkMessage } from './netlink.ts'

/**
 * The kernel's table of sockets, asked by `sock_diag`. Chosen over `/proc/net/tcp` because one connection can be asked for
 * by its four numbers (a hash look-up), where the file walks the table of every namespace on the node and prints it.
 */
export type Over = 'tcp' | 'udp'

const NETLINK_SOCK_DIAG = 4
const SOCK_DIAG_BY_FAMILY = 20
const PROTOCOL: Readonly<Record<Over, number>> = { tcp: 6, udp: 17 }
const LISTEN = 10
/** what the table calls a UDP socket that is not connected */
const UDP_UNCONNECTED = 7
const WAITING: Readonly<Record<Over, number>> = { tcp: LISTEN, udp: UDP_UNCONNECTED }
const ALL_STATES = 0xfff
const INET_DIAG_SKV6ONLY = 11
const ENTRY_SIZE = 72

/** Is there a TCP socket in the calling thread's namespace that is the `local` end of the connection from `remote`? */
export function hasConnection(local: Endpoint, remote: Endpoint): boolean {
  const id = Buffer.alloc(48)
  id.writeUInt16BE(local.port, 0)
  id.writeUInt16BE(remote.port, 2)
  addressBytes(local.address).copy(id, 4)
  addressBytes(remote.address).copy(id, 20)
  id.fill(0xff, 40) // without a cookie: whichever socket has these numbers
  // without a connection the kernel answers with the listener that one would reach
  return table(0, request('tcp', familyOf(local.address), ALL_STATES, id)).some(({ body }) => stateOf(body) !== LISTEN)
}

/** What waits for connections or datagrams in the calling thread's namespace. */
export interface Listener {
  readonly families: readonly Family[]
  readonly address: string
  readonly port: number
}

/** Every listener (for UDP: every socket that is not connected) in the calling thread's namespace. */
export function listeners(over: Over): readonly Listener[] {
  return ([4, 6] as const).flatMap((family) =>
    table(NLM_F_DUMP, request(over, family, 1 << WAITING[over], Buffer.alloc(48))).map(listener),
  )
}

/** What the table has; nothing of that kind, and no table of that protocol, are the same to the kernel. */
function table(flags: number, body: Buffer): readonly NetlinkMessage[] {
  try {
    return netlink(NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, flags, body)
  } catch (error) {
    if (error instanceof SystemError && error.code === 'ENOENT') return []
    throw error
  }
}

function request(over: Over, family: Family, states: number, id: Buffer): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt8(ADDRESS_FAMILY[family], 0)
  head.writeUInt8(PROTOCOL[over], 1)
  head.writeUInt32LE(states, 4)
  return Buffer.concat([head, id])
}

function listener({ body }: NetlinkMessage): Listener {
  const six = body.readUInt8(0) === AF_INET6
  const onlySix = attributes(body.subarray(ENTRY_SIZE)).get(INET_DIAG_SKV6ONLY)?.readUInt8(0) !== 0
  return {
    families: !six ? [4] : onlySix ? [6] : [4, 6],
    address: addressText(body.subarray(8, six ? 24 : 12)),
    port: body.readUInt16BE(4),
  }
}

function stateOf(body: Buffer): number {
  return body.readUInt8(1)
}
