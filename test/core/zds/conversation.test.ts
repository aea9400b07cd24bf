import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  ANSWER_WITHIN_MS,
  type Conversation,
  type ConversationAction,
  type ConversationEvent,
  type Known,
  opened,
  step,
} from '../../../src/core/zds/conversation.ts'
import type { ZdsRequest } from '../../../src/core/zds/message.ts'

const info = { name: 'web', namespace: 'shop', serviceAccount: 'web' }
const add = (uid: string): ZdsRequest => ({ is: 'add', uid, info })
const message = (hex: string): ConversationEvent => ({
  is: 'datagram',
  bytes: Uint8Array.from(Buffer.from(hex, 'hex')),
  whole: true,
  descriptors: 0,
})
const HELLO = message('0801')
const ACK = message('0a00')
const NACK = message('0a050a03626164')

function knowing(...uids: readonly string[]): Known {
  return { uids: () => uids, request: (uid) => (uids.includes(uid) ? add(uid) : null) }
}

/** Everything that is done while `events` happen at one time. */
function played(
  known: Known,
  events: readonly ConversationEvent[],
  from = opened(0),
): [Conversation, ConversationAction[]] {
  let conversation = from
  const done: ConversationAction[] = []
  for (const event of events) {
    const { next, actions } = step(conversation, event, 0, known)
    conversation = next
    done.push(...actions)
  }
  return [conversation, done]
}

const serving = played(knowing(), [HELLO, ACK])[0]

test('nothing is said before the hello; then each workload, then the end of the snapshot, each after the answer before it', () => {
  const events = [{ is: 'ask', request: { is: 'del', uid: 'gone' }, ticket: 7 } as const, HELLO, ACK, NACK, ACK, ACK]
  assert.deepEqual(played(knowing('a', 'b'), events)[1], [
    { do: 'send', request: add('a') },
    { do: 'send', request: add('b') },
    { do: 'report', uid: 'b', reason: { code: 'ztunnel_refused', args: { error: 'bad' } } },
    { do: 'send', request: { is: 'snapshot-sent' } },
    { do: 'synced' },
    { do: 'send', request: { is: 'del', uid: 'gone' } },
    { do: 'settle', ticket: 7, reason: null },
  ])
})

test('a workload that left since is neither named by the snapshot nor added, and whoever asked for it is told', () => {
  const leaves: Known = { uids: () => ['a', 'b'], request: (uid) => (uid === 'b' ? add('b') : null) }
  const asks = { is: 'ask', request: add('a'), ticket: 1 } as const
  assert.deepEqual(played(leaves, [HELLO, asks, ACK, ACK])[1], [
    { do: 'send', request: add('b') },
    { do: 'send', request: { is: 'snapshot-sent' } },
    { do: 'synced' },
    { do: 'settle', ticket: 1, reason: { code: 'ztunnel_untold', args: {} } },
  ])
})

for (const [what, from, event, code] of [
  ['no hello', opened(0), { is: 'clock' }, 'ztunnel_silent'],
  ['a hello of another version', opened(0), message('0807'), 'ztunnel_malformed'],
  ['no answer', played(knowing(), [HELLO])[0], { is: 'clock' }, 'ztunnel_silent'],
  ['an answer that cannot be read', played(knowing(), [HELLO])[0], message('ff'), 'ztunnel_malformed'],
  ['a message that is cut off', serving, { ...ACK, whole: false }, 'ztunnel_malformed'],
  ['an answer to nothing', serving, ACK, 'ztunnel_unasked'],
  ['a descriptor', serving, { ...ACK, descriptors: 1 }, 'ztunnel_unasked'],
  ['a hang-up', serving, { is: 'hang-up' }, 'ztunnel_left'],
  ['a send that fails', serving, { is: 'send-failed', error: 'sendmsg: EAGAIN' }, 'ztunnel_unreachable'],
] as const)
  test(`${what} ends the connection with ${code}, and everybody who waits is told`, () => {
    const waits = played(
      knowing('a'),
      [1, 2].map((ticket) => ({ is: 'ask', request: { is: 'del', uid: 'a' }, ticket })),
      from,
    )[0]
    const { next, actions } = step(
      what === 'an answer to nothing' ? from : waits,
      event as ConversationEvent,
      ANSWER_WITHIN_MS,
      knowing(),
    )
    const [close, ...settled] = actions
    assert.equal(close?.do === 'close' && close.reason.code, code)
    assert.equal(settled.length, what === 'an answer to nothing' ? 0 : 2)
    assert.ok(settled.every((action) => action.do === 'settle' && action.reason?.code === code))
    assert.equal(next.deadline, null)
  })

test('a deadline that has not passed changes nothing, and an idle connection has none', () => {
  const asked = played(knowing(), [HELLO])[0]
  assert.deepEqual(step(asked, { is: 'clock' }, ANSWER_WITHIN_MS - 1, knowing()), { next: asked, actions: [] })
  assert.equal(serving.deadline, null)
  assert.deepEqual(step(serving, { is: 'clock' }, 1e9, knowing()), { next: serving, actions: [] })
})

for (const [what, request, limit] of [
  ['pods that join', add('a'), 100],
  ['pods that leave, of which ztunnel must be told,', { is: 'del', uid: 'a' }, 2048],
] as const)
  test(`the queue of ${what} has an end, and whoever comes after it is told at once`, () => {
    const asks = Array.from({ length: limit + 2 }, (_, ticket) => ({ is: 'ask', request, ticket }) as const)
    assert.deepEqual(played(knowing('a'), asks, serving)[1], [
      { do: 'send', request },
      { do: 'settle', ticket: limit + 1, reason: { code: 'ztunnel_busy', args: { waiting: limit } } },
    ])
  })

test('an error of ztunnel of any length is cut to what a log line holds', () => {
  const error = 'e'.repeat(5000)
  const bytes = Buffer.concat([Buffer.from('0a8b270a8827', 'hex'), Buffer.from(error)])
  const asked = played(knowing('a'), [{ is: 'ask', request: add('a'), ticket: 1 }], serving)[0]
  const event = { is: 'datagram', bytes, whole: true, descriptors: 0 } as const
  const [settled] = step(asked, event, 0, knowing('a')).actions
  assert.deepEqual(settled, {
    do: 'settle',
    ticket: 1,
    reason: { code: 'ztunnel_refused', args: { error: error.slice(0, 1024) } },
  })
})

test('whatever happens, one request is under way at a time, and every ticket is settled at most once', () => {
  const events = fc.array(
    fc.oneof(
      fc.constantFrom<ConversationEvent>(HELLO, ACK, NACK, { is: 'clock' }, { is: 'hang-up' }),
      fc.record({
        is: fc.constant('ask' as const),
        request: fc.constantFrom(add('a'), add('z'), { is: 'del', uid: 'a' } as const),
        ticket: fc.constant(0),
      }),
    ),
  )
  fc.assert(
    fc.property(events, (happening) => {
      let conversation = opened(0)
      let [sent, answered, tickets] = [0, 0, 0]
      const settled = new Set<number>()
      for (const event of happening) {
        const one = event.is === 'ask' ? { ...event, ticket: tickets++ } : event
        const { next, actions } = step(conversation, one, 0, knowing('a', 'b'))
        if (one.is === 'datagram' && conversation.asked !== null) answered += 1
        conversation = next
        for (const action of actions) {
          if (action.do === 'send') sent += 1
          if (action.do !== 'settle') continue
          assert.ok(!settled.has(action.ticket))
          settled.add(action.ticket)
        }
        assert.ok(sent - answered <= 1)
        if (!actions.some((action) => action.do === 'close')) continue
        assert.equal(settled.size, tickets)
        return
      }
    }),
  )
})
