import { closeSync, readSync, writeSync } from 'node:fs'
import koffi from 'koffi'
import { check, libc, SystemError } from './libc.ts'
import { SocketFile } from './socket-file.ts'

/**
 * Unix sockets of the kind SOCK_SEQPACKET, which Node does not offer: whole messages, and descriptors beside them (unix(7),
 * cmsg(3)). Nothing here blocks but `waitReadable`, which is why a thread of its own drives them.
 */

/** The process at the other end when it connected, in this process's user and pid namespaces; pid 0: not visible here. */
export interface Peer {
  readonly pid: number
  readonly uid: number
}

/** One message, or the other end's hang-up. Descriptors that came with it have been closed; their number is told. */
export type Received =
  | { readonly is: 'message'; readonly bytes: Buffer; readonly whole: boolean; readonly descriptors: number }
  | { readonly is: 'hang-up' }

const NONBLOCK_CLOEXEC = 0o4000 | 0o2000000
const BACKLOG = 8
const SOL_SOCKET = 1
const SO_PEERCRED = 17
const SCM_RIGHTS = 1
const MSG_CTRUNC = 0x8
const MSG_TRUNC = 0x20
const MSG_NOSIGNAL = 0x4000
const MSG_CMSG_CLOEXEC = 0x40000000
const POLLIN = 1
const EFD_NONBLOCK_CLOEXEC = 0o4000 | 0o2000000

/** 64-bit Linux, x86-64 and arm64 alike: the sizes of msghdr, iovec, and of a control message's head, which is padded to 8. */
const MSGHDR = 56
const IOVEC = 16
const CMSG_HEAD = 16
const DESCRIPTOR = 4

/** A socket that listens, and the file that leads to it. */
export interface Listening {
  readonly fd: number
  readonly file: SocketFile
}

/**
 * Listens at `path` for processes of this user alone. What a process that is gone left at the path is replaced; where an owner
 * lives, this throws a SystemError EADDRINUSE and touches nothing.
 */
export function listenSeqpacket(path: string): Listening {
  const { fd, file } = SocketFile.bind(path, 'seqpacket')
  try {
    check('listen', libc().listen(fd, BACKLOG))
    return { fd, file }
  } catch (error) {
    file.remove()
    closeSync(fd)
    throw error
  }
}

/** The next connection and who made it, or null where none waits. */
export function accept(listener: number): { readonly fd: number; readonly peer: Peer } | null {
  const fd = unlessNothing(() => check('accept4', libc().accept4(listener, null, null, NONBLOCK_CLOEXEC)))
  if (fd === null) return null
  try {
    return { fd, peer: peerOf(fd) }
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

/** Who is at the other end of the Unix socket `fd` (SO_PEERCRED, unix(7)). */
export function peerOf(fd: number): Peer {
  const credentials = Buffer.alloc(12)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(credentials.length)
  check('getsockopt', libc().getsockopt(fd, SOL_SOCKET, SO_PEERCRED, credentials, length))
  return { pid: credentials.readInt32LE(0), uid: credentials.readUInt32LE(4) }
}

/** Sends one message, with a descriptor of which the receiver gets a copy. Throws a SystemError; EAGAIN where it would block. */
export function sendMessage(fd: number, bytes: Uint8Array, descriptor: number | null): void {
  const data = Buffer.from(bytes)
  const control = descriptor === null ? null : rights(descriptor)
  const header = messageHeader(data, control)
  check('sendmsg', libc().sendmsg(fd, header, MSG_NOSIGNAL))
}

/** The next message of up to `longest` bytes, or null where none has come. Throws a SystemError. */
export function receiveMessage(fd: number, longest: number): Received | null {
  const data = Buffer.alloc(longest)
  // room for more descriptors than anybody sends, so that all of them are seen and closed; the kernel drops the rest
  const control = Buffer.alloc(CMSG_HEAD + 16 * DESCRIPTOR)
  const header = messageHeader(data, control)
  const length = unlessNothing(() => check('recvmsg', libc().recvmsg(fd, header, MSG_CMSG_CLOEXEC)))
  if (length === null) return null
  const descriptors = descriptorsIn(control.subarray(0, Number(header.readBigUInt64LE(40))))
  for (const descriptor of descriptors) closeSync(descriptor)
  if (length === 0) return { is: 'hang-up' }
  const whole = (header.readInt32LE(48) & (MSG_TRUNC | MSG_CTRUNC)) === 0
  return { is: 'message', bytes: data.subarray(0, length), whole, descriptors: descriptors.length }
}

/** Waits until one of `fds` can be read or has hung up, for at most `timeoutMs`; gives those that can. */
export function waitReadable(fds: readonly number[], timeoutMs: number): readonly number[] {
  const asked = Buffer.alloc(8 * fds.length)
  fds.forEach((fd, index) => {
    asked.writeInt32LE(fd, 8 * index)
    asked.writeInt16LE(POLLIN, 8 * index + 4)
  })
  try {
    check('poll', libc().poll(asked, fds.length, Math.ceil(timeoutMs)))
  } catch (error) {
    if (error instanceof SystemError && error.code === 'EINTR') return []
    throw error
  }
  return fds.filter((_, index) => asked.readInt16LE(8 * index + 6) !== 0)
}

/** A descriptor by which another thread ends `waitReadable` (eventfd(2)); whoever made it closes it. */
export function openBell(): number {
  return check('eventfd', libc().eventfd(0, EFD_NONBLOCK_CLOEXEC))
}

/** Makes `bell` readable, from any thread. */
export function ring(bell: number): void {
  const one = Buffer.alloc(8)
  one.writeBigUInt64LE(1n)
  writeSync(bell, one)
}

/** Makes `bell` silent again; whoever rings from now on is heard. */
export function silence(bell: number): void {
  unlessNothing(() => readSync(bell, Buffer.alloc(8)))
}

function rights(descriptor: number): Buffer {
  const control = Buffer.alloc(CMSG_HEAD + 8)
  control.writeBigUInt64LE(BigInt(CMSG_HEAD + DESCRIPTOR), 0)
  control.writeInt32LE(SOL_SOCKET, 8)
  control.writeInt32LE(SCM_RIGHTS, 12)
  control.writeInt32LE(descriptor, CMSG_HEAD)
  return control
}

function descriptorsIn(control: Buffer): readonly number[] {
  const out: number[] = []
  for (let at = 0; at + CMSG_HEAD <= control.length;) {
    const length = Number(control.readBigUInt64LE(at))
    if (length < CMSG_HEAD) break
    if (control.readInt32LE(at + 8) === SOL_SOCKET && control.readInt32LE(at + 12) === SCM_RIGHTS)
      for (let i = at + CMSG_HEAD; i + DESCRIPTOR <= Math.min(at + length, control.length); i += DESCRIPTOR)
        out.push(control.readInt32LE(i))
    at += Math.ceil(length / 8) * 8
  }
  return out
}

/** What the last header points to: an address alone keeps no buffer alive. */
const held: (Buffer | null)[] = []

/** `struct msghdr` for one piece of data; good until the next one is made. */
function messageHeader(data: Buffer, control: Buffer | null): Buffer {
  const vector = Buffer.alloc(IOVEC)
  vector.writeBigUInt64LE(koffi.address(data), 0)
  vector.writeBigUInt64LE(BigInt(data.length), 8)
  const header = Buffer.alloc(MSGHDR)
  header.writeBigUInt64LE(koffi.address(vector), 16)
  header.writeBigUInt64LE(1n, 24)
  if (control !== null) {
    header.writeBigUInt64LE(koffi.address(control), 32)
    header.writeBigUInt64LE(BigInt(control.length), 40)
  }
  held.splice(0, held.length, vector, data, control)
  return header
}

function unlessNothing<T>(call: () => T): T | null {
  try {
    return call()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return null
    throw error
  }
}
