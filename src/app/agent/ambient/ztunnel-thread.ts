import { closeSync } from 'node:fs'
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { encodeRequest } from '../../../core/zds/message.ts'
import type { Reason } from '../../../core/vocabulary/reasons.ts'
import { namespaceId } from '../../../edge/host/namespaces.ts'
import { accept, type Peer, receiveMessage, sendMessage, silence, waitReadable } from '../../../edge/host/seqpacket.ts'
import { messageOf } from '../../../edge/message-of.ts'
import { type HubNews, type Workload, ZtunnelHub } from './ztunnel-hub.ts'

/** The thread that owns ztunnel's connections: it waits for them, and for work from ztunnels.ts, in one poll. */
export interface ZtunnelThreadData {
  /** this and `bell` are closed by whoever started the thread, when it has ended */
  readonly listener: number
  readonly bell: number
}

/** What the main thread posts; it rings the bell after it. */
export type ZtunnelOrder =
  | { readonly do: 'add'; readonly job: number; readonly workload: Workload }
  | { readonly do: 'remove'; readonly job: number; readonly uid: string }
  /** wait at another socket from now on, and settle the job; connections stay */
  | { readonly do: 'listen'; readonly job: number; readonly listener: number }
  | { readonly do: 'stop' }

/** What the thread posts. */
export type ZtunnelNews =
  | HubNews
  | { readonly is: 'turned-away'; readonly peer: Peer; readonly reason: Reason }
  | { readonly is: 'not-accepted'; readonly reason: Reason }

/** Longer than any answer should be, so that an error text of ztunnel arrives whole. */
const LONGEST_ANSWER = 65536
/** Istio's limit on new connections, five a second: a ztunnel that fails at once must not keep this thread busy. */
const ACCEPT_EVERY_MS = 200
/** After a failure, such as no descriptor being left, whoever connects waits outside for longer. */
const ACCEPT_AGAIN_MS = 2000
/** A thread that waits in the kernel cannot be ended from outside: it looks up this often, so that the process can end at any time. */
const LOOK_UP_EVERY_MS = 500

if (parentPort === null) throw new Error('ztunnel-thread is the entry of a worker')
const port = parentPort
const data = workerData as ZtunnelThreadData
const { bell } = data
let { listener } = data

/** descriptor of each connection, by its number, and the reverse */
const sockets = new Map<number, number>()
let connections = 0
let acceptFrom = 0

const tell = (news: ZtunnelNews): void => port.postMessage(news)
const hub = new ZtunnelHub(
  {
    send: (connection, request, netns) => sendMessage(socketOf(connection), encodeRequest(request), netns),
    close: (connection) => {
      closeSync(socketOf(connection))
      sockets.delete(connection)
    },
    closeDescriptor: closeSync,
    sameNetns: (one, other) => namespaceId(one) === namespaceId(other),
  },
  tell,
)

try {
  while (turn() !== 'stop') continue
} finally {
  hub.close()
  // of orders that came too late, what they brought is closed
  for (let order = nextOrder(); order !== undefined; order = nextOrder())
    if (order.do === 'add' && order.workload.netns !== null) closeSync(order.workload.netns)
}

function turn(): 'go on' | 'stop' {
  const now = performance.now()
  const mayAccept = now >= acceptFrom
  const until = Math.min(now + LOOK_UP_EVERY_MS, hub.deadline ?? Infinity, mayAccept ? Infinity : acceptFrom)
  const watched = [bell, ...(mayAccept ? [listener] : []), ...sockets.values()]
  const ready = new Set(waitReadable(watched, Math.max(0, until - now)))
  if (ready.has(bell) && takeOrders() === 'stop') return 'stop'
  if (ready.has(listener)) welcome()
  for (const [connection, socket] of [...sockets]) if (ready.has(socket)) listen(connection, socket)
  hub.passed(performance.now())
  return 'go on'
}

function takeOrders(): 'go on' | 'stop' {
  silence(bell)
  for (let order = nextOrder(); order !== undefined; order = nextOrder()) {
    if (order.do === 'stop') return 'stop'
    obey(order)
  }
  return 'go on'
}

function nextOrder(): ZtunnelOrder | undefined {
  const received = receiveMessageOnPort(port) as { readonly message: ZtunnelOrder } | undefined
  return received?.message
}

function obey(order: Exclude<ZtunnelOrder, { readonly do: 'stop' }>): void {
  switch (order.do) {
    case 'add': {
      hub.add(order.job, order.workload, performance.now())
      return
    }
    case 'remove': {
      hub.remove(order.job, order.uid, performance.now())
      return
    }
    case 'listen':
      listener = order.listener
      tell({ is: 'settled', job: order.job, reason: null })
  }
}

function welcome(): void {
  acceptFrom = performance.now() + ACCEPT_EVERY_MS
  try {
    const came = accept(listener)
    if (came !== null) letIn(came.fd, came.peer)
  } catch (error) {
    // it left already, or this process has no descriptor free: nothing that the connections there are must pay for
    acceptFrom = performance.now() + ACCEPT_AGAIN_MS
    const why = messageOf(error)
    tell({ is: 'not-accepted', reason: { code: 'ztunnel_not_accepted', args: { error: why } } })
  }
}

function letIn(fd: number, peer: Peer): void {
  // whoever is let in gets the network namespace of every pod
  if (peer.uid !== 0) {
    closeSync(fd)
    tell({ is: 'turned-away', peer, reason: { code: 'ztunnel_stranger', args: { ...peer } } })
    return
  }
  const connection = ++connections
  sockets.set(connection, fd)
  hub.connected(connection, performance.now())
}

function listen(connection: number, socket: number): void {
  // an earlier event of this turn may have closed it
  if (sockets.get(connection) !== socket) return
  try {
    const received = receiveMessage(socket, LONGEST_ANSWER)
    if (received === null) return
    const event = received.is === 'hang-up' ? ({ is: 'hang-up' } as const) : ({ ...received, is: 'datagram' } as const)
    hub.happened(connection, event, performance.now())
  } catch (error) {
    // ECONNRESET: it left with messages unread
    const why = messageOf(error)
    hub.happened(connection, { is: 'send-failed', error: why }, performance.now())
  }
}

function socketOf(connection: number): number {
  const socket = sockets.get(connection)
  if (socket === undefined) throw new Error(`connection ${connection} is closed`)
  return socket
}
