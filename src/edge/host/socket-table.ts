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
import { netlink, NLM_F_DUMP, type NetlinkMessage } from './netlink.ts'

/**
 * The kernel's table of TCP sockets, asked by `sock_diag`. Chosen over `/proc/net/tcp` because one connection can be asked
 * for by its four numbers (a hash look-up), where the file walks the table of every namespace on the node and prints it.
 */
export interface SocketEntry {
  readonly state: 'established' | 'listen' | 'other'
  readonly local: Endpoint
  readonly remote: Endpoint
  readonly uid: number
}

const NETLINK_SOCK_DIAG = 4
const SOCK_DIAG_BY_FAMILY = 20
const IPPROTO_TCP = 6
const ESTABLISHED = 1
const LISTEN = 10
const ALL_STATES = 0xfff

/** The socket at the `local` end of the connection from `remote`, in the calling thread's namespace; null if there is none. */
export function findConnection(local: Endpoint, remote: Endpoint): SocketEntry | null {
  const id = Buffer.alloc(48)
  id.writeUInt16BE(local.port, 0)
  id.writeUInt16BE(remote.port, 2)
  addressBytes(local.address).copy(id, 4)
  addressBytes(remote.address).copy(id, 20)
  id.fill(0xff, 40) // without a cookie: whichever socket has these numbers
  try {
    const found = netlink(
      NETLINK_SOCK_DIAG,
      SOCK_DIAG_BY_FAMILY,
      0,
      request(familyOf(local.address), ALL_STATES, id),
    ).map(entry)
    // without a connection the kernel answers with the listener that one would reach
    return found.find(({ state }) => state !== 'listen') ?? null
  } catch (error) {
    if (error instanceof SystemError && error.code === 'ENOENT') return null
    throw error
  }
}

/** Every TCP listener in the calling thread's namespace. */
export function listeners(): readonly SocketEntry[] {
  return ([4, 6] as const).flatMap((family) =>
    netlink(NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, request(family, 1 << LISTEN, Buffer.alloc(48))).map(
      entry,
    ),
  )
}

function request(family: Family, states: number, id: Buffer): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt8(ADDRESS_FAMILY[family], 0)
  head.writeUInt8(IPPROTO_TCP, 1)
  head.writeUInt32LE(states, 4)
  return Buffer.concat([head, id])
}

function entry({ body }: NetlinkMessage): SocketEntry {
  const length = body.readUInt8(0) === AF_INET6 ? 16 : 4
  const state = body.readUInt8(1)
  return {
    state: state === ESTABLISHED ? 'established' : state === LISTEN ? 'listen' : 'other',
    local: { address: addressText(body.subarray(8, 8 + length)), port: body.readUInt16BE(4) },
    remote: { address: addressText(body.subarray(24, 24 + length)), port: body.readUInt16BE(6) },
    uid: body.readUInt32LE(64),
  }
}
