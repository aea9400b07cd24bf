import type { Reason } from '../vocabulary/reasons.ts'
import { decodeAnswer, decodeHello, type ZdsRequest } from './message.ts'

/**
 * One connection of a ztunnel, as a value: hello, snapshot, then changes, each answered before the next is sent (cni.md
 * §6.3). Where Istio's agent goes on after a missing answer and then takes each late one for its successor's, this gives the
 * connection up: ztunnel connects again, keeps its proxies meanwhile, and the snapshot puts both of one mind.
 */
export interface Conversation {
  readonly phase: 'hello' | 'snapshot' | 'serving'
  /** what was sent and is not answered; `ticket` names the caller who waits, null for the snapshot's own */
  readonly asked: Ask | null
  /** the workloads that the snapshot still has to name */
  readonly unnamed: readonly string[]
  readonly waiting: readonly Ask[]
  /** when to give up, in the clock of the events; null while nothing is awaited */
  readonly deadline: number | null
}
interface Ask {
  readonly request: ZdsRequest
  readonly ticket: number | null
}

export type ConversationEvent =
  | { readonly is: 'datagram'; readonly bytes: Uint8Array; readonly whole: boolean; readonly descriptors: number }
  | { readonly is: 'ask'; readonly request: ZdsRequest; readonly ticket: number }
  /** a deadline may have passed */
  | { readonly is: 'clock' }
  | { readonly is: 'hang-up' }
  | { readonly is: 'send-failed'; readonly error: string }

export type ConversationAction =
  | { readonly do: 'send'; readonly request: ZdsRequest }
  /** `reason` null: acknowledged */
  | { readonly do: 'settle'; readonly ticket: number; readonly reason: Reason | null }
  /** a workload of the snapshot that ztunnel could not take; ztunnel keeps trying */
  | { readonly do: 'report'; readonly uid: string; readonly reason: Reason }
  /** all that is known has been told and answered */
  | { readonly do: 'synced' }
  | { readonly do: 'close'; readonly reason: Reason }

export interface ConversationStep {
  readonly next: Conversation
  readonly actions: readonly ConversationAction[]
}

/** The workloads of the node, as they are when something is sent. */
export interface Known {
  readonly uids: () => readonly string[]
  /** with a namespace to hand over an `add`, without one a `keep`, null for one that has left */
  readonly request: (uid: string) => ZdsRequest | null
}

/** Istio's limits: how long ztunnel has for each answer, and how many changes may wait for it. */
export const ANSWER_WITHIN_MS = 5000
const WAITING_LIMIT = 100
/** One for each pod that leaves, of which the caller forgets all: ztunnel would serve it for ever if it were not told. */
const LEAVING_LIMIT = 2048
/** An error of ztunnel goes into logs and events, which are not to be filled by it. */
const LONGEST_ERROR = 1024

/** A connection that has just been accepted at `now`. */
export function opened(now: number): Conversation {
  return { phase: 'hello', asked: null, unnamed: [], waiting: [], deadline: now + ANSWER_WITHIN_MS }
}

/**
 * What `event` at `now` (ms) makes of a conversation, and what is to be done. After `close` the conversation takes no further
 * event; every ticket that was open has been settled by then.
 */
export function step(was: Conversation, event: ConversationEvent, now: number, known: Known): ConversationStep {
  switch (event.is) {
    case 'ask':
      return ask(was, { request: event.request, ticket: event.ticket }, now, known)
    case 'clock':
      return was.deadline !== null && now >= was.deadline ? silent(was) : { next: was, actions: [] }
    case 'hang-up':
      return closed(was, { code: 'ztunnel_left', args: {} })
    case 'send-failed':
      return closed(was, { code: 'ztunnel_unreachable', args: { error: event.error } })
    case 'datagram': {
      if (!event.whole) return malformed(was, 'it is longer than any answer')
      if (event.descriptors > 0) return closed(was, { code: 'ztunnel_unasked', args: { what: 'a file descriptor' } })
      return was.phase === 'hello' ? greeted(was, event.bytes, now, known) : answered(was, event.bytes, now, known)
    }
  }
}

function greeted(was: Conversation, bytes: Uint8Array, now: number, known: Known): ConversationStep {
  const hello = decodeHello(bytes)
  if (hello.is === 'malformed') return malformed(was, hello.problem)
  return proceed({ ...was, phase: 'snapshot', unnamed: known.uids(), deadline: null }, now, known)
}

function answered(was: Conversation, bytes: Uint8Array, now: number, known: Known): ConversationStep {
  if (was.asked === null) return closed(was, { code: 'ztunnel_unasked', args: { what: 'an answer' } })
  const answer = decodeAnswer(bytes)
  if (answer.is === 'malformed') return malformed(was, answer.problem)
  const { request, ticket } = was.asked
  const reason: Reason | null =
    answer.is === 'ack' ? null : { code: 'ztunnel_refused', args: { error: answer.error.slice(0, LONGEST_ERROR) } }
  const { next, actions } = proceed({ ...was, ...afterAnswer(was.phase, request), asked: null }, now, known)
  return { next, actions: [...told(request, ticket, reason), ...actions] }
}

function afterAnswer(phase: Conversation['phase'], request: ZdsRequest): Pick<Conversation, 'phase' | 'deadline'> {
  return { phase: request.is === 'snapshot-sent' ? 'serving' : phase, deadline: null }
}

/** Who is told of an answer: the caller, or for the snapshot whoever watches. */
function told(request: ZdsRequest, ticket: number | null, reason: Reason | null): readonly ConversationAction[] {
  if (ticket !== null) return [{ do: 'settle', ticket, reason }]
  if (request.is === 'snapshot-sent') return [{ do: 'synced' }]
  return reason === null ? [] : [{ do: 'report', uid: request.uid, reason }]
}

function ask(was: Conversation, asked: Ask & { readonly ticket: number }, now: number, known: Known): ConversationStep {
  if (was.waiting.length >= (asked.request.is === 'del' ? LEAVING_LIMIT : WAITING_LIMIT)) {
    const busy: Reason = { code: 'ztunnel_busy', args: { waiting: was.waiting.length } }
    return { next: was, actions: [{ do: 'settle', ticket: asked.ticket, reason: busy }] }
  }
  const next = { ...was, waiting: [...was.waiting, asked] }
  return was.phase === 'hello' || was.asked !== null ? { next, actions: [] } : proceed(next, now, known)
}

/** Sends what comes next, nothing being under way. A pod that has left since it was asked for is passed over. */
function proceed(was: Conversation, now: number, known: Known): ConversationStep {
  const send = (asked: Ask, rest: Partial<Conversation>): Conversation => ({
    ...was,
    ...rest,
    asked,
    deadline: now + ANSWER_WITHIN_MS,
  })
  if (was.phase === 'snapshot') {
    for (const [index, uid] of was.unnamed.entries()) {
      const request = known.request(uid)
      if (request === null) continue
      const next = send({ request, ticket: null }, { unnamed: was.unnamed.slice(index + 1) })
      return { next, actions: [{ do: 'send', request }] }
    }
    const request = { is: 'snapshot-sent' } as const
    return { next: send({ request, ticket: null }, { unnamed: [] }), actions: [{ do: 'send', request }] }
  }
  const passedOver: ConversationAction[] = []
  for (const [index, { request: asked, ticket }] of was.waiting.entries()) {
    const request = asked.is === 'add' ? known.request(asked.uid) : asked
    if (request !== null) {
      const next = send({ request, ticket }, { waiting: was.waiting.slice(index + 1) })
      return { next, actions: [...passedOver, { do: 'send', request }] }
    }
    if (ticket !== null) passedOver.push({ do: 'settle', ticket, reason: { code: 'ztunnel_untold', args: {} } })
  }
  return { next: { ...was, waiting: [] }, actions: passedOver }
}

function silent(was: Conversation): ConversationStep {
  const to = was.asked === null ? 'with a hello' : `"${was.asked.request.is}"`
  return closed(was, { code: 'ztunnel_silent', args: { to, ms: ANSWER_WITHIN_MS } })
}

function malformed(was: Conversation, problem: string): ConversationStep {
  return closed(was, { code: 'ztunnel_malformed', args: { problem } })
}

function closed(was: Conversation, reason: Reason): ConversationStep {
  const open = [...(was.asked === null ? [] : [was.asked]), ...was.waiting]
  const settled = open.flatMap(({ ticket }) => (ticket === null ? [] : [{ do: 'settle', ticket, reason } as const]))
  return { next: { ...was, asked: null, waiting: [], deadline: null }, actions: [{ do: 'close', reason }, ...settled] }
}
