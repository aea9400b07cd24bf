import type { ZdsRequest, WorkloadInfo } from '../../../core/zds/message.ts'
import {
  type Conversation,
  type ConversationAction,
  type ConversationEvent,
  type Known,
  opened,
  step,
} from '../../../core/zds/conversation.ts'
import type { Reason, ReasonCode } from '../../../core/vocabulary/reasons.ts'
import { messageOf } from '../../../edge/message-of.ts'

/** A pod that ztunnel is to know. `netns` is a descriptor that belongs to the hub from then on; null: not found again yet. */
export interface Workload {
  readonly uid: string
  readonly info: WorkloadInfo
  readonly netns: number | null
}

/** What the hub does to the outside; each call is carried out at once. */
export interface Wire {
  /** throws where it cannot be sent */
  readonly send: (connection: number, request: ZdsRequest, netns: number | null) => void
  readonly close: (connection: number) => void
  readonly closeDescriptor: (fd: number) => void
  /** do both descriptors lead to the same namespace? */
  readonly sameNetns: (one: number, other: number) => boolean
}

/** What the hub has to say: an answer to a job, or something to be logged and counted. */
export type HubNews =
  | { readonly is: 'settled'; readonly job: number; readonly reason: Reason | null }
  | { readonly is: 'connected'; readonly connection: number }
  | { readonly is: 'synced'; readonly connection: number; readonly workloads: number }
  | { readonly is: 'closed'; readonly connection: number; readonly reason: Reason }
  | { readonly is: 'refused'; readonly uid: string; readonly reason: Reason }

/** Who waits for an answer: one `add` that moves from connection to connection, or a `del` that all are asked for. */
type Waiting =
  | { readonly is: 'add'; readonly job: number; readonly uid: string }
  | { readonly is: 'del'; readonly job: number; open: number; reason: Reason | null }

/**
 * The workloads of a node and the ztunnels that are connected, newest last (a rolling update has two). An `add` is asked of
 * the newest that has said hello, and of the one before it when that one goes away unanswered; a `del` of all (cni.md §6.3).
 * Synchronous and of one thread: descriptors are sent and closed in the order of these calls.
 */
export class ZtunnelHub {
  readonly #wire: Wire
  readonly #tell: (news: HubNews) => void
  readonly #workloads = new Map<string, Workload>()
  readonly #conversations = new Map<number, Conversation>()
  readonly #waiting = new Map<number, Waiting>()
  #tickets = 0

  constructor(wire: Wire, tell: (news: HubNews) => void) {
    this.#wire = wire
    this.#tell = tell
  }

  /** A ztunnel connected at `now` (ms). */
  connected(connection: number, now: number): void {
    this.#conversations.set(connection, opened(now))
    this.#tell({ is: 'connected', connection })
  }

  /** Something happened at a connection. One that has been closed is ignored. */
  happened(connection: number, event: ConversationEvent, now: number): void {
    const conversation = this.#conversations.get(connection)
    if (conversation === undefined) return
    const { next, actions } = step(conversation, event, now, this.#known)
    this.#conversations.set(connection, next)
    for (const action of actions) this.#act(connection, action, now)
  }

  /** Time has passed: connections whose deadline is over are closed. */
  passed(now: number): void {
    for (const connection of [...this.#conversations.keys()]) this.happened(connection, { is: 'clock' }, now)
  }

  /** When `passed` is to be called next; null: nothing is awaited. */
  get deadline(): number | null {
    const deadlines = [...this.#conversations.values()].flatMap(({ deadline }) => deadline ?? [])
    return deadlines.length === 0 ? null : Math.min(...deadlines)
  }

  /** Makes `workload` known, and tells ztunnel if its namespace is. Settled by the answer of the ztunnel that serves it. */
  add(job: number, workload: Workload, now: number): void {
    this.#remember(workload)
    if (workload.netns === null) this.#settle(job, null)
    else this.#askAdd({ is: 'add', job, uid: workload.uid }, { code: 'ztunnel_not_connected', args: {} }, now)
  }

  /** Forgets a workload and has every ztunnel forget it. Settled when all have answered; those that leave need not. */
  remove(job: number, uid: string, now: number): void {
    this.#forget(uid)
    const asked = [...this.#conversations.keys()]
    const waiting: Waiting = { is: 'del', job, open: asked.length, reason: null }
    if (asked.length === 0) this.#settle(job, null)
    for (const connection of asked) this.#ask(connection, { is: 'del', uid }, waiting, now)
  }

  /** Closes what is open. Whoever still waits gets no answer any more. */
  close(): void {
    for (const connection of this.#conversations.keys()) this.#wire.close(connection)
    for (const uid of this.#workloads.keys()) this.#forget(uid)
    this.#conversations.clear()
    this.#waiting.clear()
  }

  readonly #known: Known = {
    uids: () => [...this.#workloads.keys()],
    request: (uid) => {
      const workload = this.#workloads.get(uid)
      if (workload === undefined) return null
      return workload.netns === null ? { is: 'keep', uid } : { is: 'add', uid, info: workload.info }
    },
  }

  #remember(workload: Workload): void {
    const { uid, netns } = workload
    const before = this.#workloads.get(uid)?.netns ?? null
    if (before !== null && (netns === null || this.#wire.sameNetns(before, netns))) {
      if (netns !== null) this.#wire.closeDescriptor(netns)
      this.#workloads.set(uid, { ...workload, netns: before })
      return
    }
    if (before !== null) this.#wire.closeDescriptor(before)
    this.#workloads.set(uid, workload)
  }

  #forget(uid: string): void {
    const netns = this.#workloads.get(uid)?.netns ?? null
    this.#workloads.delete(uid)
    if (netns !== null) this.#wire.closeDescriptor(netns)
  }

  /** Asks the newest ztunnel that is past its hello; where there is none, `otherwise` is the answer. */
  #askAdd(waiting: Waiting & { readonly is: 'add' }, otherwise: Reason, now: number): void {
    const newest = [...this.#conversations].findLast(([, { phase }]) => phase !== 'hello')
    const request = this.#known.request(waiting.uid)
    if (newest === undefined || request === null) this.#settle(waiting.job, otherwise)
    else this.#ask(newest[0], request, waiting, now)
  }

  #ask(connection: number, request: ZdsRequest, waiting: Waiting, now: number): void {
    const ticket = ++this.#tickets
    this.#waiting.set(ticket, waiting)
    this.happened(connection, { is: 'ask', request, ticket }, now)
  }

  #act(connection: number, action: ConversationAction, now: number): void {
    switch (action.do) {
      case 'send': {
        this.#send(connection, action.request, now)
        return
      }
      case 'settle': {
        this.#answered(action.ticket, action.reason, now)
        return
      }
      case 'report': {
        this.#tell({ is: 'refused', uid: action.uid, reason: action.reason })
        return
      }
      case 'synced': {
        this.#tell({ is: 'synced', connection, workloads: this.#workloads.size })
        return
      }
      case 'close':
        this.#conversations.delete(connection)
        this.#wire.close(connection)
        {
          this.#tell({ is: 'closed', connection, reason: action.reason })
          return
        }
    }
  }

  #send(connection: number, request: ZdsRequest, now: number): void {
    const netns = request.is === 'add' ? (this.#workloads.get(request.uid)?.netns ?? null) : null
    try {
      this.#wire.send(connection, request, netns)
    } catch (error) {
      const why = messageOf(error)
      this.happened(connection, { is: 'send-failed', error: why }, now)
    }
  }

  #answered(ticket: number, reason: Reason | null, now: number): void {
    const waiting = this.#waiting.get(ticket)
    this.#waiting.delete(ticket)
    if (waiting === undefined) return
    const lost = reason !== null && LOST.has(reason.code)
    if (waiting.is === 'add') {
      if (lost) this.#askAdd(waiting, reason, now)
      else this.#settle(waiting.job, reason)
      return
    }
    // a ztunnel that has gone knows the pod no more: its successor's snapshot does not name it
    if (!lost) waiting.reason ??= reason
    waiting.open -= 1
    if (waiting.open === 0) this.#settle(waiting.job, waiting.reason)
  }

  #settle(job: number, reason: Reason | null): void {
    this.#tell({ is: 'settled', job, reason })
  }
}

/** The connection ended before the answer came. */
const LOST: ReadonlySet<ReasonCode> = new Set([
  'ztunnel_left',
  'ztunnel_silent',
  'ztunnel_malformed',
  'ztunnel_unasked',
  'ztunnel_unreachable',
])
