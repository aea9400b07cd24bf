import { check, errnoName, libc, SystemError } from './libc.ts'

/** What the kernel sent back: the type of the message and what follows its header. */
export interface NetlinkMessage {
  readonly type: number
  readonly body: Buffer
}

const AF_NETLINK = 16
const SOCK_RAW_CLOEXEC = 3 | 0o2000000
const SOL_SOCKET = 1
const SO_RCVTIMEO = 20
const HEADER = 16
const NLM_F_REQUEST = 1
const NLM_F_ACK = 4
export const NLM_F_DUMP = 0x300
/** What is listed changed between two pieces of the list: something that was there all the time may be missing. */
const NLM_F_DUMP_INTR = 0x10
const NLMSG_ERROR = 2
const NLMSG_DONE = 3
/** The kernel answers at once; this only bounds what should not happen. */
const ANSWER_WITHIN_SECONDS = 2n
/** Lists are short, and what they hold changes seldom. */
const DUMP_TRIES = 20

/**
 * Sends one request and gives all messages of its answer. The socket is made here, so it belongs to the network namespace
 * that the calling thread is in. Throws a SystemError with the kernel's errno as code; EINTR for a list that changed each time
 * while it was given.
 * Numbers are written little-endian: netlink uses the host's order, and both architectures that Sluice runs on have it.
 */
export function netlink(protocol: number, type: number, flags: number, body: Buffer): readonly NetlinkMessage[] {
  for (let tries = 0; tries < DUMP_TRIES; tries++) {
    const answer = ask(protocol, type, flags, body)
    if (!answer.isInterrupted) return answer.messages
  }
  throw new SystemError('netlink: what is listed changes all the time', 'EINTR')
}

interface Answer {
  readonly messages: NetlinkMessage[]
  isInterrupted: boolean
}

function ask(protocol: number, type: number, flags: number, body: Buffer): Readonly<Answer> {
  const { socket, close } = libc()
  const fd = check('socket', socket(AF_NETLINK, SOCK_RAW_CLOEXEC, protocol))
  try {
    return exchange(fd, type, flags, body)
  } finally {
    close(fd)
  }
}

/** One for each thread, since a call is over before the next begins: a new one each time is memory that only a collection gives back. */
const RECEIVED = Buffer.alloc(65536)

function exchange(fd: number, type: number, flags: number, body: Buffer): Answer {
  const { send, recv, setsockopt } = libc()
  const timeout = Buffer.alloc(16)
  timeout.writeBigInt64LE(ANSWER_WITHIN_SECONDS, 0)
  check('setsockopt', setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, timeout, timeout.length))
  const dump = (flags & NLM_F_DUMP) === NLM_F_DUMP
  const request = message(type, flags | NLM_F_REQUEST | (dump ? 0 : NLM_F_ACK), body)
  check('send', send(fd, request, request.length, 0))
  const answer: Answer = { messages: [], isInterrupted: false }
  for (;;) {
    const length = check('recv', recv(fd, RECEIVED, RECEIVED.length, 0))
    if (collect(Buffer.from(RECEIVED.subarray(0, length)), answer)) return answer
  }
}

/** Adds the messages of one datagram to `answer`; true when the answer is complete. */
function collect(datagram: Buffer, answer: Answer): boolean {
  for (let at = 0; at + HEADER <= datagram.length;) {
    const length = datagram.readUInt32LE(at)
    if (length < HEADER || at + length > datagram.length) throw new SystemError('netlink', 'EBADMSG')
    const type = datagram.readUInt16LE(at + 4)
    if ((datagram.readUInt16LE(at + 6) & NLM_F_DUMP_INTR) !== 0) answer.isInterrupted = true
    const body = datagram.subarray(at + HEADER, at + length)
    if (type === NLMSG_DONE || type === NLMSG_ERROR) {
      // a list can end by a failure too
      const errno = body.length < 4 ? 0 : -body.readInt32LE(0)
      if (errno === 0) return true
      throw new SystemError('netlink', errnoName(errno))
    }
    answer.messages.push({ type, body })
    at += align(length)
  }
  return false
}

function message(type: number, flags: number, body: Buffer): Buffer {
  const header = Buffer.alloc(HEADER)
  header.writeUInt32LE(HEADER + body.length, 0)
  header.writeUInt16LE(type, 4)
  header.writeUInt16LE(flags, 6)
  header.writeUInt32LE(1, 8)
  return Buffer.concat([header, body])
}

/** One attribute, padded: `type` with its payload, or with the attributes nested in it. */
export function attribute(type: number, ...payload: readonly Buffer[]): Buffer {
  const data = Buffer.concat(payload)
  const out = Buffer.alloc(align(4 + data.length))
  out.writeUInt16LE(4 + data.length, 0)
  out.writeUInt16LE(type, 2)
  data.copy(out, 4)
  return out
}

const TYPE_MASK = 0x3fff

/** The attributes in `data`, by type; nested ones are read by calling this again on the payload. */
export function attributes(data: Buffer): ReadonlyMap<number, Buffer> {
  const out = new Map<number, Buffer>()
  for (let at = 0; at + 4 <= data.length;) {
    const length = data.readUInt16LE(at)
    if (length < 4 || at + length > data.length) break
    out.set(data.readUInt16LE(at + 2) & TYPE_MASK, data.subarray(at + 4, at + length))
    at += align(length)
  }
  return out
}

/** A 32-bit number in the host's order, as most attributes hold them. */
export function u32(value: number): Buffer {
  const out = Buffer.alloc(4)
  out.writeUInt32LE(value >>> 0, 0)
  return out
}

function align(length: number): number {
  return (length + 3) & ~3
}
