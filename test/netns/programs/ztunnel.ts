/**
 * The other end of ZDS, written from the reference (cni.md §6) and not from the product: connects as ztunnel does, reads each
 * datagram strictly, answers it or waits to be told how, and says on its output what it saw. What would end a real ztunnel
 * ends this one too, with exit code 1 and the reason. It looks only, or serves the pods that it is told of; as a `daemon` nobody
 * gives it orders: it greets by itself, waits for the other end, and comes again with what it serves when that end goes.
 */
import { fstatSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import koffi from 'koffi'
import type { ZtunnelOrder, ZtunnelSaw } from '../ztunnel.ts'
import { PodProxy } from './proxy.ts'

const libc = koffi.load('libc.so.6')
// koffi types every function as `any`: what each one takes and gives is said where it is named
const func = (prototype: string): never => libc.func(prototype) as never
const socket: (domain: number, type: number, protocol: number) => number = func('int socket(int, int, int)')
const connect: (fd: number, address: Buffer, length: number) => number = func('int connect(int, void *, uint32_t)')
const sendmsg: (fd: number, header: Buffer, flags: number) => number = func('int64_t sendmsg(int, void *, int)')
const recvmsg: (fd: number, header: Buffer, flags: number) => number = func('int64_t recvmsg(int, void *, int)')
const poll: (fds: Buffer, count: number, timeoutMs: number) => number = func('int poll(void *, uint64_t, int)')
const close: (fd: number) => number = func('int close(int)')

const [path = '', uid = '0', work = 'look', refused] = process.argv.slice(2)
/** by the uid of the pod, where this one is to serve and not only to look */
const proxies = new Map<string, PodProxy>()
/** ztunnel reads into 1024 bytes, with room for one descriptor */
const READS = 1024
const LOOK_MS = 10
const AGAIN_MS = 200
const HELLO = Buffer.from('0801', 'hex')
const data = Buffer.alloc(READS)
const control = Buffer.alloc(24)
const iovec = Buffer.alloc(16)
const header = Buffer.alloc(56)
let answering: 'at once' | 'when told' = 'at once'
let refusing = false
let named = false
const served = new Map<string, string>()
/** uids that this connection spoke of: what is not among them when the snapshot is complete has gone meanwhile */
const spoken = new Set<string>()
const isDaemon = work === 'daemon'

process.setuid?.(Number(uid))
const address = Buffer.concat([Buffer.from([1, 0]), Buffer.from(path), Buffer.alloc(1)])
let fd = await connected()
if (isDaemon) send(HELLO)
else
  createInterface({ input: process.stdin })
    .on('line', (line) => obey(JSON.parse(line) as ZtunnelOrder))
    .on('close', () => process.exit(0))
look()

async function connected(): Promise<number> {
  for (;;) {
    const made = socket(1, 5 | 0o2000000 | 0o4000, 0)
    if (connect(made, address, address.length) === 0) {
      say({ saw: 'connected' })
      return made
    }
    if (!isDaemon) fail(`connect: errno ${koffi.errno()}`)
    close(made)
    await sleep(AGAIN_MS)
  }
}

/** What is served goes on meanwhile. */
async function comeAgain(): Promise<void> {
  close(fd)
  named = false
  spoken.clear()
  fd = await connected()
  send(HELLO)
  look()
}

function obey(order: ZtunnelOrder): void {
  switch (order.do) {
    case 'hello': {
      send(HELLO)
      return
    }
    case 'wait':
      answering = 'when told'
      {
        say({ saw: 'order' })
        return
      }
    case 'refuse': {
      refusing = true
      say({ saw: 'order' })
      return
    }
    case 'send': {
      send(Buffer.from(order.hex, 'hex'), order.descriptor)
      return
    }
    case 'leave':
      close(fd)
      return process.exit(0)
  }
}

/** One look at the socket, again and again, and one at standard input between them: they cannot be waited for together. */
function look(): void {
  const waited = Buffer.alloc(8)
  waited.writeInt32LE(fd, 0)
  waited.writeInt16LE(1, 4)
  poll(waited, 1, work === 'look' ? LOOK_MS : 0)
  for (let message = receive(); message !== null; message = receive()) {
    if (message.bytes.length === 0) {
      say({ saw: 'hang-up' })
      if (isDaemon) void comeAgain()
      return
    }
    read(message.bytes, message.descriptor)
    const isRefused = refusing && message.descriptor !== null
    if (answering === 'at once') send(Buffer.from(isRefused ? '0a050a03626164' : '0a00', 'hex'))
  }
  if (work === 'look') setImmediate(look)
  else setTimeout(look, 1)
}

function read(bytes: Buffer, descriptor: number | null): void {
  const [payload, ...more] = fields(bytes)
  if (payload === undefined || more.length > 0) fail(`no single payload: ${bytes.toString('hex')}`)
  const inner = new Map(fields(payload.bytes).map((field) => [field.number, field.bytes] as const))
  const text = (from: ReadonlyMap<number, Buffer>, number: number): string => from.get(number)?.toString() ?? ''
  if ((payload.number === 1) !== (descriptor !== null)) fail('a descriptor comes with add, and with nothing else')
  switch (payload.number) {
    case 1: {
      const info = inner.get(2)
      if (info === undefined) fail('add without workload_info')
      const of = new Map(fields(info).map((field) => [field.number, field.bytes] as const))
      const { dev, ino } = fstatSync(descriptor ?? -1, { bigint: true })
      const netns = `${dev}:${ino}`
      if (work === 'look') close(descriptor ?? -1)
      else serve(text(inner, 1), netns, descriptor ?? -1)
      spoken.add(text(inner, 1))
      say({ saw: 'add', uid: text(inner, 1), pod: [text(of, 1), text(of, 2), text(of, 3)], netns })
      return
    }
    case 2: {
      drop(text(inner, 2))
      say({ saw: 'del', uid: text(inner, 2) })
      return
    }
    case 3:
      if (named) fail('a second snapshot_sent')
      named = true
      for (const pod of served.keys()) if (!spoken.has(pod)) drop(pod)
      {
        say({ saw: 'snapshot' })
        return
      }
    case 5:
      if (named) fail('keep after the snapshot')
      spoken.add(text(inner, 1))
      {
        say({ saw: 'keep', uid: text(inner, 1) })
        return
      }
    default:
      return fail(`unknown payload ${payload.number}`)
  }
}

/** The same namespace again: the proxy goes on. */
function serve(pod: string, netns: string, descriptor: number): void {
  if (served.get(pod) === netns && proxies.has(pod)) return void close(descriptor)
  proxies.get(pod)?.close()
  served.set(pod, netns)
  proxies.set(pod, new PodProxy(descriptor, refused))
}

function drop(pod: string): void {
  proxies.get(pod)?.close()
  proxies.delete(pod)
  served.delete(pod)
}

/** Fields of length-delimited kind: ztunnel's requests have no other. */
function fields(bytes: Buffer): readonly { readonly number: number; readonly bytes: Buffer }[] {
  const out = []
  for (let at = 0; at < bytes.length;) {
    const key = bytes.readUInt8(at)
    let length = bytes.readUInt8(at + 1)
    at += 2
    if (length > 127) length = (length & 127) + 128 * bytes.readUInt8(at++)
    if ((key & 7) !== 2 || at + length > bytes.length) fail(`malformed: ${bytes.toString('hex')}`)
    out.push({ number: key >> 3, bytes: bytes.subarray(at, at + length) })
    at += length
  }
  return out
}

function receive(): { readonly bytes: Buffer; readonly descriptor: number | null } | null {
  prepare(data, control)
  const length = recvmsg(fd, header, 0x40000000)
  if (length < 0)
    return koffi.errno() === koffi.os.errno['EAGAIN'] ? null : { bytes: Buffer.alloc(0), descriptor: null }
  if ((header.readInt32LE(48) & (0x20 | 8)) !== 0) fail('a message or its descriptors were cut off')
  const came = header.readBigUInt64LE(40) > 0n
  return { bytes: Buffer.from(data.subarray(0, length)), descriptor: came ? control.readInt32LE(16) : null }
}

function send(bytes: Buffer, descriptor = false): void {
  control.writeBigUInt64LE(20n, 0)
  control.writeInt32LE(1, 8)
  control.writeInt32LE(1, 12)
  control.writeInt32LE(1, 16)
  prepare(bytes, descriptor ? control : null)
  if (sendmsg(fd, header, 0x4000) < 0) say({ saw: 'hang-up' })
}

function prepare(bytes: Buffer, beside: Buffer | null): void {
  iovec.writeBigUInt64LE(koffi.address(bytes), 0)
  iovec.writeBigUInt64LE(BigInt(bytes.length), 8)
  header.fill(0)
  header.writeBigUInt64LE(koffi.address(iovec), 16)
  header.writeBigUInt64LE(1n, 24)
  if (beside === null) return
  header.writeBigUInt64LE(koffi.address(beside), 32)
  header.writeBigUInt64LE(BigInt(beside.length), 40)
}

function say(seen: ZtunnelSaw): void {
  process.stdout.write(`${JSON.stringify(seen)}\n`)
}

function fail(why: string): never {
  say({ saw: 'fault', why })
  process.exit(1)
}
