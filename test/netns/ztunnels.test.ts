import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, openSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Reason } from '../../src/core/vocabulary/reasons.ts'
import type { Workload } from '../../src/app/agent/ambient/ztunnel-hub.ts'
import { type ZtunnelEvent, Ztunnels } from '../../src/app/agent/ambient/ztunnels.ts'
import { makeNetns, type TestNetns, untilEnd } from './world.ts'
import { ACK, Ztunnel, type ZtunnelSaw } from './ztunnel.ts'

const podNetns = makeNetns('pod')
const otherNetns = makeNetns('other')
const NOBODY = 65534

test('a ztunnel that connects is told all that is known, then each change, with the namespace of the pod', async () => {
  const { ztunnels, ztunnel } = await begin()
  assert.equal(code(await ztunnels.add(workload('uid-1', podNetns))), 'ztunnel_not_connected')
  assert.equal(await ztunnels.add({ ...workload('uid-2', podNetns), netns: null }), null)
  ztunnel.tell({ do: 'hello' })
  assert.deepEqual(byUid(await ztunnel.see(2)), [added('uid-1', podNetns), { saw: 'keep', uid: 'uid-2' }])
  assert.deepEqual(await ztunnel.next(), { saw: 'snapshot' })
  assert.equal(await ztunnels.add(workload('uid-3', otherNetns)), null)
  assert.equal(await ztunnels.remove('uid-1'), null)
  assert.deepEqual(await ztunnel.see(2), [added('uid-3', otherNetns), { saw: 'del', uid: 'uid-1' }])
})

test('a pod that ztunnel cannot take is told with its words, and the next one is not mixed up with it', async () => {
  const { ztunnels, ztunnel } = await serving()
  ztunnel.tell({ do: 'wait' })
  assert.deepEqual(await ztunnel.next(), { saw: 'order' })
  const [first, second] = [ztunnels.add(workload('uid-1', podNetns)), ztunnels.add(workload('uid-2', podNetns))]
  assert.deepEqual(await ztunnel.next(), added('uid-1', podNetns))
  ztunnel.tell({ do: 'send', hex: '0a050a03626164' })
  assert.deepEqual(await first, { code: 'ztunnel_refused', args: { error: 'bad' } })
  assert.deepEqual(await ztunnel.next(), added('uid-2', podNetns))
  ztunnel.tell({ do: 'send', hex: ACK })
  assert.equal(await second, null)
})

for (const [what, hex, expected, descriptor] of [
  ['an answer that nobody asked for', ACK, 'ztunnel_unasked', false],
  ['a descriptor', ACK, 'ztunnel_unasked', true],
  ['a message longer than any answer', '0a'.repeat(70_000), 'ztunnel_malformed', false],
] as const)
  test(`${what} ends the connection, and the next snapshot heals it`, async () => {
    const { ztunnels, ztunnel, event, socket } = await serving()
    ztunnel.tell({ do: 'send', hex, descriptor })
    assert.deepEqual(await ztunnel.next(), { saw: 'hang-up' })
    assert.equal((await event('closed')).reason.code, expected)
    const again = await greet(socket)
    assert.deepEqual(await again.next(), { saw: 'snapshot' })
    assert.equal(await ztunnels.add(workload('uid-1', podNetns)), null)
  })

test('a ztunnel that does not answer is given up, and the one before it takes the pod', async () => {
  const { ztunnels, ztunnel: older, socket } = await serving()
  const newer = await greet(socket)
  assert.deepEqual(await newer.next(), { saw: 'snapshot' })
  newer.tell({ do: 'wait' })
  assert.deepEqual(await newer.next(), { saw: 'order' })
  const answer = ztunnels.add(workload('uid-1', podNetns))
  assert.deepEqual(await newer.next(), added('uid-1', podNetns))
  assert.deepEqual(await older.next(), added('uid-1', podNetns))
  assert.equal(await answer, null)
  assert.deepEqual(await newer.next(), { saw: 'hang-up' })
})

test('while one ztunnel replaces another the newest takes pods, both are told of those that leave, and each may go', async () => {
  const { ztunnels, ztunnel: older, socket } = await serving()
  assert.equal(await ztunnels.add(workload('uid-1', podNetns)), null)
  assert.deepEqual(await older.next(), added('uid-1', podNetns))
  const newer = await greet(socket)
  assert.deepEqual(await newer.see(2), [added('uid-1', podNetns), { saw: 'snapshot' }])
  assert.equal(await ztunnels.add(workload('uid-2', otherNetns)), null)
  assert.deepEqual(await newer.next(), added('uid-2', otherNetns))
  assert.equal(await ztunnels.remove('uid-1'), null)
  assert.deepEqual([await newer.next(), await older.next()], [del('uid-1'), del('uid-1')])
  newer.tell({ do: 'leave' })
  assert.equal(await ztunnels.remove('uid-2'), null)
  assert.deepEqual(await older.next(), del('uid-2'))
  assert.equal(await ztunnels.add(workload('uid-3', podNetns)), null)
  assert.deepEqual(await older.next(), added('uid-3', podNetns))
})

test('nobody but root gets in: not by the mode of the socket, and not where somebody opened it', async () => {
  const { socket, event } = listen()
  assert.equal(statSync(socket).mode & 0o777, 0o600)
  chmodSync(join(socket, '..'), 0o755)
  const turned = new Ztunnel(socket, NOBODY)
  assert.deepEqual(await turned.next(), { saw: 'fault', why: 'connect: errno 13' })
  chmodSync(socket, 0o666)
  const stranger = new Ztunnel(socket, NOBODY)
  assert.deepEqual(await stranger.see(2), [{ saw: 'connected' }, { saw: 'hang-up' }])
  const { peer, reason } = await event('turned-away')
  assert.deepEqual([peer.uid, reason.code], [NOBODY, 'ztunnel_stranger'])
})

test('a second owner of the socket is refused, and what a dead one left is replaced', async () => {
  const { socket, ztunnels } = listen()
  assert.throws(() => Ztunnels.start({ socket, onEvent: () => {} }), /EADDRINUSE/)
  await ztunnels[Symbol.asyncDispose]()
  assert.deepEqual(readdirSync(join(socket, '..')), [])
  writeFileSync(socket, '')
  await Ztunnels.start({ socket, onEvent: () => {} })[Symbol.asyncDispose]()
})

test('ten thousand pods that come and go leave no descriptor behind', async () => {
  const { ztunnels } = await serving()
  const before = descriptors()
  for (let i = 0; i < 10_000; i += 50) {
    const uids = Array.from({ length: 50 }, (_, j) => `uid-${i + j}`)
    await Promise.all(uids.map((uid) => ztunnels.add(workload(uid, i % 100 === 0 ? podNetns : otherNetns))))
    await Promise.all(uids.map((uid) => ztunnels.remove(uid)))
  }
  assert.equal(descriptors(), before)
})

interface Place {
  readonly ztunnels: Ztunnels
  readonly socket: string
  /** the first event of that kind, once it has come */
  readonly event: <K extends ZtunnelEvent['is']>(is: K) => Promise<ZtunnelEvent & { readonly is: K }>
}

/** Listens in a folder of its own until the test file ends. */
function listen(): Place {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-zds-'))
  untilEnd({ [Symbol.dispose]: () => rmSync(folder, { recursive: true }) })
  const socket = join(folder, 'ztunnel.sock')
  const first = new Map<ZtunnelEvent['is'], PromiseWithResolvers<ZtunnelEvent>>()
  const waiting = (is: ZtunnelEvent['is']): PromiseWithResolvers<ZtunnelEvent> => {
    const known = first.get(is) ?? Promise.withResolvers<ZtunnelEvent>()
    first.set(is, known)
    return known
  }
  const ztunnels = untilEnd(Ztunnels.start({ socket, onEvent: (event) => waiting(event.is).resolve(event) }))
  return { ztunnels, socket, event: async (is) => (await waiting(is).promise) as ZtunnelEvent & { is: typeof is } }
}

/** A ztunnel that has connected and not said hello. */
async function begin(): Promise<Place & { readonly ztunnel: Ztunnel }> {
  const place = listen()
  const ztunnel = new Ztunnel(place.socket)
  assert.deepEqual(await ztunnel.next(), { saw: 'connected' })
  return { ...place, ztunnel }
}

async function greet(socket: string): Promise<Ztunnel> {
  const ztunnel = new Ztunnel(socket)
  assert.deepEqual(await ztunnel.next(), { saw: 'connected' })
  ztunnel.tell({ do: 'hello' })
  return ztunnel
}

/** A ztunnel that has been told that nothing is known. */
async function serving(): ReturnType<typeof begin> {
  const place = await begin()
  place.ztunnel.tell({ do: 'hello' })
  assert.deepEqual(await place.ztunnel.next(), { saw: 'snapshot' })
  return place
}

function workload(uid: string, netns: TestNetns): Workload {
  return {
    uid,
    info: { name: `pod-of-${uid}`, namespace: 'shop', serviceAccount: 'web' },
    netns: openSync(netns.path, 'r'),
  }
}

function added(uid: string, netns: TestNetns): ZtunnelSaw {
  return { saw: 'add', uid, pod: [`pod-of-${uid}`, 'shop', 'web'], netns: netns.handle.id }
}

function del(uid: string): ZtunnelSaw {
  return { saw: 'del', uid }
}

function byUid(seen: readonly ZtunnelSaw[]): readonly ZtunnelSaw[] {
  return seen.toSorted((one, other) => JSON.stringify(one).localeCompare(JSON.stringify(other)))
}

function code(reason: Reason | null): string | undefined {
  return reason?.code
}

function descriptors(): number {
  return readdirSync('/proc/self/fd').length
}
