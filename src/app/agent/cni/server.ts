import { connect, createServer, type Server, type Socket } from 'node:net'
import { dirname } from 'node:path'
import type { Reason } from '../../../core/vocabulary/reasons.ts'
import { makeFolder } from '../../../edge/files/make-folder.ts'
import { SystemError } from '../../../edge/host/libc.ts'
import { peerOf } from '../../../edge/host/seqpacket.ts'
import { SocketFile } from '../../../edge/host/socket-file.ts'
import { type CniOutcome, encodeAnswer } from './answer.ts'
import type { PodQueue } from './pod-queue.ts'
import { type CniRequest, type ReadRequest, readRequest } from './request.ts'
import { AGENT_STOPS, type Sandboxes } from './sandboxes.ts'

export interface CniServerOptions {
  readonly socket: string
  readonly sandboxes: Sandboxes
  readonly queue: PodQueue
  readonly record: (request: CniRequest | null, outcome: CniOutcome, seconds: number) => void
  /** a bug in one request: it is refused, and the next ones are served */
  readonly report: (error: unknown) => void
}

/** The annotations of a pod are at most 256 KiB, and the result of the plugins before is small. */
const LONGEST_REQUEST = 2 * 1024 * 1024
/** The plugin writes all that it has at once. */
const READ_MS = 10_000
/**
 * libnftables waits by select(2), which ends the process at descriptor 1024: connections and what is open for a moment stay below it.
 * Who is turned away goes by what the pod was promised, and comes again.
 */
export const CONNECTIONS = 640
const BACKLOG = 1024

/** A server, and the file by which it is found. */
interface Bound {
  readonly server: Server
  readonly file: SocketFile
}

/** A request of which the sandbox may go while it is worked on. */
interface Working {
  readonly containerId: string
  readonly abort: (reason: unknown) => void
}

/**
 * The socket that the plugin asks. Only root may: the directory and the socket are closed to others, and the peer is asked for
 * besides. One connection is one exchange; a connection that closes early is a caller that gave up.
 */
export class CniServer {
  readonly #options: CniServerOptions
  readonly #working = new Set<Working>()
  readonly #answering = new Set<Promise<void>>()
  #at: Bound

  private constructor(options: CniServerOptions, at: Bound) {
    this.#options = options
    this.#at = at
    this.#open()
  }

  /** Listens. Throws where another agent owns the socket: two of them would undo each other's work. */
  static async listen(options: CniServerOptions): Promise<CniServer> {
    return new CniServer(options, await bound(options.socket))
  }

  /** Does the socket lead to this server? Asked by connecting, as the plugin does. */
  async answers(): Promise<boolean> {
    return isOpen(this.#at) && this.#at.file.isInPlace && (await answers(this.#options.socket))
  }

  /**
   * Listens at the path again where the socket's file was removed or replaced; true: it was. What is being answered is answered.
   * Throws a SystemError EADDRINUSE where a process that lives owns what is there now.
   */
  async renew(): Promise<boolean> {
    const before = this.#at
    if (!isOpen(before) || before.file.isInPlace) return false
    const at = await bound(this.#options.socket)
    // closed meanwhile
    if (!isOpen(before)) {
      at.file.remove()
      at.server.close()
      return false
    }
    this.#at = at
    this.#open()
    before.server.close()
    return true
  }

  /** Takes no new request, and aborts those that wait; resolves when the last is answered and what it began is undone. */
  async close(): Promise<void> {
    const { server, file } = this.#at
    // another agent may have put its own there since
    file.remove()
    const closed = new Promise((resolve) => server.close(resolve))
    for (const { abort } of this.#working) abort(AGENT_STOPS)
    await Promise.allSettled([...this.#answering])
    await closed
  }

  #open(): void {
    const { server } = this.#at
    server.maxConnections = CONNECTIONS
    server.on('connection', (socket: Socket) => {
      socket.on('error', () => socket.destroy())
      const answering = this.#serve(socket).finally(() => this.#answering.delete(answering))
      this.#answering.add(answering)
    })
  }

  async #serve(socket: Socket): Promise<void> {
    const started = performance.now()
    try {
      const { uid } = peerOf(descriptorOf(socket))
      const text = uid === 0 ? await readLine(socket) : `from user ${uid}`
      // who connects and leaves only looked whether somebody listens
      if (text === null) return
      const read = uid === 0 ? readRequest(text) : unreadable(`it comes from user ${uid}, who is not root`)
      const request = read.is === 'request' ? read.request : null
      const outcome = read.is === 'request' ? await this.#answer(read.request, socket) : refusal(read.reason)
      if (request === null) await send(socket, outcome)
      this.#options.record(request, outcome, (performance.now() - started) / 1000)
    } catch (error) {
      this.#options.report(error)
    } finally {
      socket.destroySoon()
    }
  }

  async #answer(request: CniRequest, socket: Socket): Promise<CniOutcome> {
    const { queue, sandboxes } = this.#options
    const gaveUp = new AbortController()
    const working: Working = { containerId: request.containerId, abort: (reason) => gaveUp.abort(reason) }
    const onClose = (): void => gaveUp.abort()
    const timer = setTimeout(onClose, request.deadlineMs)
    socket.once('close', onClose)
    if (request.command === 'DEL') this.#abortFor(request.containerId)
    if (request.command === 'ADD' || request.command === 'CHECK') this.#working.add(working)
    try {
      // the answer is part of the turn: what nobody took is undone before the pod's next request
      const queued = await queue.run(keyOf(request), async () => {
        const outcome = await carryOut(sandboxes, request, gaveUp.signal)
        const isTaken = await send(socket, outcome)
        if (isTaken || request.command !== 'ADD' || outcome.is !== 'redirected') return outcome
        return await sandboxes.abandon(request, outcome)
      })
      if (queued.is === 'done') return queued.value
      const busy = refusal({ code: 'agent_busy', args: { waiting: queued.waiting } })
      await send(socket, busy)
      return busy
    } finally {
      clearTimeout(timer)
      socket.off('close', onClose)
      this.#working.delete(working)
    }
  }

  /** What is still being done for a sandbox that goes is of no use to anybody. */
  #abortFor(containerId: string): void {
    for (const working of this.#working) if (working.containerId === containerId) working.abort(new Error('DEL'))
  }
}

async function carryOut(sandboxes: Sandboxes, request: CniRequest, signal: AbortSignal): Promise<CniOutcome> {
  switch (request.command) {
    case 'ADD':
      return await sandboxes.add(request, signal)
    case 'CHECK':
      return await sandboxes.check(request, signal)
    case 'DEL':
      return await sandboxes.del(request)
    case 'GC':
      return await sandboxes.gc(request)
  }
}

/** A DEL that does not say whose it is waits behind nobody. */
function keyOf({ pod, containerId, command }: CniRequest): string {
  if (pod.uid !== '') return pod.uid
  return `${command} ${containerId}`
}

function refusal(reason: Reason): CniOutcome {
  return { is: 'refused', reason }
}

/** The one line that a caller sends; null where it leaves before, sends too much, or takes too long. */
async function readLine(socket: Socket): Promise<string | null> {
  const parts: Buffer[] = []
  let length = 0
  const { promise, resolve } = Promise.withResolvers<string | null>()
  const timer = setTimeout(() => resolve(null), READ_MS)
  const onClose = (): void => resolve(null)
  const onData = (part: Buffer): void => {
    length += part.length
    parts.push(part)
    if (length > LONGEST_REQUEST) resolve(null)
    else if (part.includes(LINE_END)) resolve(Buffer.concat(parts).toString())
  }
  socket.on('data', onData).once('close', onClose)
  const line = await promise
  clearTimeout(timer)
  socket.off('close', onClose)
  return line
}

const LINE_END = 10

/** Sends the answer; false where nobody is there to take it. */
async function send(socket: Socket, outcome: CniOutcome): Promise<boolean> {
  if (socket.destroyed || !socket.writable) return false
  return await new Promise((resolve) =>
    socket.write(`${encodeAnswer(outcome)}\n`, (error) => resolve(error === undefined || error === null)),
  )
}

function unreadable(problem: string): ReadRequest {
  return { is: 'unreadable', reason: { code: 'request_unreadable', args: { problem } } }
}

/** Node keeps the descriptor of a connection to itself, and only the kernel says who is at its other end. */
function descriptorOf(socket: Socket): number {
  const { _handle: handle } = socket as unknown as { readonly _handle?: { readonly fd: number } | null }
  if (handle === undefined || handle === null || handle.fd < 0) throw new Error('the connection is gone')
  return handle.fd
}

async function answers(path: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const probe = connect(path)
    probe.once('connect', () => {
      probe.destroy()
      resolve(true)
    })
    probe.once('error', () => resolve(false))
  })
}

function isOpen({ server }: Bound): boolean {
  return server.listening
}

/** A server at the path. Who connects comes after this has resolved and what waits for it has run. */
async function bound(path: string): Promise<Bound> {
  makeFolder(dirname(path), 0o700)
  const { fd, file } = bind(path)
  const server = createServer()
  const { promise, resolve, reject } = Promise.withResolvers<undefined>()
  // by descriptor: Node would remove the file of a path that it bound itself, though it may be another's by then
  server.once('error', reject).listen({ fd, backlog: BACKLOG }, () => resolve(undefined))
  try {
    await promise
  } catch (error) {
    // the descriptor is Node's since it was handed over, and closed by it: its number may be somebody else's by now
    file.remove()
    throw error
  }
  return { server, file }
}

function bind(path: string): ReturnType<typeof SocketFile.bind> {
  try {
    return SocketFile.bind(path, 'stream')
  } catch (error) {
    if (!(error instanceof SystemError) || error.code !== 'EADDRINUSE') throw error
    throw new SystemError(`another agent listens at ${path}`, error.code)
  }
}
