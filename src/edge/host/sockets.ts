import { ADDRESS_FAMILY, type Endpoint, endpointOf, type Family, familyOf, socketAddress } from './addresses.ts'
import { check, errnoName, libc, SystemError } from './libc.ts'

/** Sockets that are driven by hand, since each belongs to the namespace and the credentials its maker has at that moment. */
export interface Credentials {
  readonly uid: number
  readonly gid: number
}

/** Whose socket sends: its owner, and the mark that its packets bear (absent: none). */
export interface Sender extends Credentials {
  readonly mark?: number
}

const SOCK_STREAM = 1
const SOCK_DGRAM = 2
const NONBLOCK_CLOEXEC = 0o4000 | 0o2000000
const SOL_SOCKET = 1
const SO_REUSEADDR = 2
const SO_ERROR = 4
const SO_LINGER = 13
const SO_REUSEPORT = 15
const SO_MARK = 36
const SOL_IP = 0
const IP_TTL = 2
const IP_RECVERR = 11
const IP_TRANSPARENT = 19
const SOL_IPV6 = 41
const IPV6_TRANSPARENT = 75
const IPV6_UNICAST_HOPS = 16
const IPV6_RECVERR = 25
const IPV6_V6ONLY = 26
const SO_ORIGINAL_DST = 80
const POLLIN = 1
const POLLOUT = 4

/**
 * Runs `work` with the calling thread's file-system credentials, which sockets made meanwhile keep: owner matches see them.
 * (`setfsuid` is the one of its kind that changes a thread and not the process.)
 */
function as<T>({ uid, gid }: Credentials, work: () => T): T {
  const { setfsuid, setfsgid } = libc()
  const before = { uid: setfsuid(uid), gid: 0 }
  before.gid = setfsgid(gid)
  try {
    // without CAP_SETUID and CAP_SETGID nothing changes and nothing complains: a probe would speak for the wrong user
    if (setfsuid(NOBODY_AT_ALL) !== uid || setfsgid(NOBODY_AT_ALL) !== gid)
      throw new SystemError(`acting as user ${uid} and group ${gid} takes CAP_SETUID and CAP_SETGID`, 'EPERM')
    return work()
  } finally {
    setfsgid(before.gid)
    setfsuid(before.uid)
  }
}

/** No valid id: asked for it, the kernel changes nothing and tells the present one. */
const NOBODY_AT_ALL = 0xffffffff

/** Opens a socket as `user`; nothing that is done with it blocks. */
function open(family: Family, type: number, user: Credentials): number {
  return as(user, () => check('socket', libc().socket(ADDRESS_FAMILY[family], type | NONBLOCK_CLOEXEC, 0)))
}

/**
 * How many routers a packet may meet, the last of which refuses it: it leaves no trace farther away, and the router's
 * complaint, which the socket is told, ends the attempt early.
 */
export type Reach = 1 | 2

/** Starts to connect from `sender`'s socket and gives it at once. Throws a SystemError where it cannot start (no route). */
export function startDial(to: Endpoint, sender: Sender, reach: Reach): number {
  const family = familyOf(to.address)
  const fd = open(family, SOCK_STREAM, sender)
  try {
    if (sender.mark !== undefined) setOption(fd, SOL_SOCKET, SO_MARK, sender.mark)
    nearOnly(fd, family, reach)
    begin(fd, to)
    return fd
  } catch (error) {
    libc().close(fd)
    throw error
  }
}

/** Sends an empty datagram from `sender`'s socket, under the same conditions, and gives the socket. */
export function sendEmpty(to: Endpoint, sender: Sender, reach: Reach): number {
  const family = familyOf(to.address)
  const fd = open(family, SOCK_DGRAM, sender)
  try {
    if (sender.mark !== undefined) setOption(fd, SOL_SOCKET, SO_MARK, sender.mark)
    nearOnly(fd, family, reach)
    begin(fd, to)
    check('send', libc().send(fd, Buffer.alloc(0), 0, 0))
    return fd
  } catch (error) {
    libc().close(fd)
    throw error
  }
}

function begin(fd: number, to: Endpoint): void {
  const address = socketAddress(to)
  try {
    check('connect', libc().connect(fd, address, address.length))
  } catch (error) {
    if (!(error instanceof SystemError && error.code === 'EINPROGRESS')) throw error
  }
}

function nearOnly(fd: number, family: Family, reach: Reach): void {
  const [level, hops, errors] =
    family === 4 ? [SOL_IP, IP_TTL, IP_RECVERR] : [SOL_IPV6, IPV6_UNICAST_HOPS, IPV6_RECVERR]
  setOption(fd, level, hops, reach)
  setOption(fd, level, errors, 1)
}

/**
 * Listens (or, for UDP, receives) on `port` of every address as `user`. The port may be shared with a listener of the same
 * user that comes now: a proxy that starts this very moment must not find its port taken.
 */
export function startListening(family: Family, over: 'tcp' | 'udp', port: number, user: Credentials): number {
  const fd = open(family, over === 'tcp' ? SOCK_STREAM : SOCK_DGRAM, user)
  try {
    setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1)
    setOption(fd, SOL_SOCKET, SO_REUSEPORT, 1)
    if (family === 6) setOption(fd, SOL_IPV6, IPV6_V6ONLY, 1)
    const address = socketAddress({ address: family === 4 ? '0.0.0.0' : '::', port })
    check('bind', libc().bind(fd, address, address.length))
    if (over === 'tcp') check('listen', libc().listen(fd, 16))
    return fd
  } catch (error) {
    libc().close(fd)
    throw error
  }
}

/** Lets the listener `fd` take connections that are for other addresses, as TPROXY hands them over. */
export function takeForeign(fd: number, family: Family): void {
  if (family === 4) setOption(fd, SOL_IP, IP_TRANSPARENT, 1)
  else setOption(fd, SOL_IPV6, IPV6_TRANSPARENT, 1)
}

/** Takes the next connection that waits at the listener `fd`; null if none does. */
export function accept(fd: number): number | null {
  const accepted = libc().accept4(fd, null, null, NONBLOCK_CLOEXEC)
  return accepted < 0 ? null : accepted
}

/** The sender of the next datagram at `fd`; null if none waits. */
export function receiveFrom(fd: number, family: Family): Endpoint | null {
  const from = addressBuffer(family)
  const received = libc().recvfrom(fd, Buffer.alloc(1), 1, 0, from.address, from.length)
  return received < 0 ? null : endpointOf(from.address)
}

/** Where the connection `fd` wanted to go before it was redirected; null where it was not. */
export function originalDestination(fd: number, family: Family): Endpoint | null {
  const { address, length } = addressBuffer(family)
  const level = family === 4 ? SOL_IP : SOL_IPV6
  return libc().getsockopt(fd, level, SO_ORIGINAL_DST, address, length) < 0 ? null : endpointOf(address)
}

/** The end of `fd` that is ours. */
export function localEnd(fd: number, family: Family): Endpoint {
  const { address, length } = addressBuffer(family)
  check('getsockname', libc().getsockname(fd, address, length))
  return endpointOf(address)
}

/** The other end of `fd`. */
export function remoteEnd(fd: number, family: Family): Endpoint {
  const { address, length } = addressBuffer(family)
  check('getpeername', libc().getpeername(fd, address, length))
  return endpointOf(address)
}

/** A socket that will have something to tell. */
export interface Waited {
  readonly fd: number
  readonly dials: boolean
}

/** Which of `fds` have something to tell: connected or failed for one that dials, a visitor for one that listens. */
export function waitFor(fds: readonly Waited[], timeoutMs: number): readonly boolean[] {
  const table = Buffer.alloc(8 * fds.length)
  fds.forEach(({ fd, dials }, i) => {
    table.writeInt32LE(fd, 8 * i)
    table.writeInt16LE(dials ? POLLOUT : POLLIN, 8 * i + 4)
  })
  libc().poll(table, fds.length, Math.max(0, Math.round(timeoutMs)))
  return fds.map((_, i) => table.readInt16LE(8 * i + 6) !== 0)
}

/** How the attempt `fd`, which has something to tell, ended: null is connected, else the errno's name. */
export function dialError(fd: number): string | null {
  const value = Buffer.alloc(4)
  const length = Buffer.from([4, 0, 0, 0])
  check('getsockopt SO_ERROR', libc().getsockopt(fd, SOL_SOCKET, SO_ERROR, value, length))
  const errno = value.readInt32LE(0)
  return errno === 0 ? null : errnoName(errno)
}

/** Ends a connection by a reset: the other side gets no byte and no orderly end, and no TIME_WAIT stays behind. */
export function reset(fd: number): void {
  const linger = Buffer.alloc(8)
  linger.writeInt32LE(1, 0)
  libc().setsockopt(fd, SOL_SOCKET, SO_LINGER, linger, linger.length)
  libc().close(fd)
}

function setOption(fd: number, level: number, name: number, value: number): void {
  const buffer = Buffer.alloc(4)
  buffer.writeInt32LE(value, 0)
  check('setsockopt', libc().setsockopt(fd, level, name, buffer, buffer.length))
}

function addressBuffer(family: Family): { readonly address: Buffer; readonly length: Buffer } {
  const address = Buffer.alloc(family === 4 ? 16 : 28)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(address.length, 0)
  return { address, length }
}
