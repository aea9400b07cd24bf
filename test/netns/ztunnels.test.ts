import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, closeSync, existsSync, mkdtempSync, openSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Ztunnels } from '../../src/app/agent/ambient/ztunnels.ts'
import { SocketFile } from '../../src/edge/host/socket-file.ts'
import { makeNetns, type TestNetns, untilEnd } from './world.ts'
import { ACK, Ztunnel } from './ztunnel.ts'
import {
  added,
  begin,
  byUid,
  code,
  del,
  descriptors,
  greet,
  listen,
  serving,
  untilNoMoreThan,
  workload,
} from './ztunnel-place.ts'

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

test('a process that stops listening goes on behind that, also where nothing else keeps it', () => {
  const module = JSON.stringify(new URL('../../src/app/agent/ambient/ztunnels.ts', import.meta.url).href)
  const folder = mkdtempSync(join(tmpdir(), 'sluice-zds-'))
  try {
    const socket = JSON.stringify(join(folder, 'ztunnel.sock'))
    const script = `
      import { Ztunnels } from ${module}
      const ztunnels = Ztunnels.start({ socket: ${socket}, onEvent: () => undefined })
      await ztunnels[Symbol.asyncDispose]()
      console.log('behind it')`
    const { status, stdout } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' })
    assert.deepEqual([status, stdout], [0, 'behind it\n'])
  } finally {
    rmSync(folder, { recursive: true })
  }
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
  leaveDead(socket)
  await Ztunnels.start({ socket, onEvent: () => {} })[Symbol.asyncDispose]()
})

/** What a process leaves that ended without a word: a socket that leads nowhere. */
function leaveDead(path: string): void {
  closeSync(SocketFile.bind(path, 'seqpacket').fd)
}

for (const [what, damage] of [
  ['removed', (socket: string) => rmSync(socket)],
  [
    'replaced',
    (socket: string) => {
      rmSync(socket)
      leaveDead(socket)
    },
  ],
] as const)
  test(`a socket file that somebody ${what} is bound again, and the ztunnel that is connected stays so`, async () => {
    const { ztunnels, ztunnel, socket } = await serving()
    const before = descriptors()
    assert.equal(await ztunnels.renew(), false)
    damage(socket)
    assert.equal(await ztunnels.renew(), true)
    assert.equal(await ztunnels.renew(), false)
    assert.equal(statSync(socket).mode & 0o777, 0o600)
    await untilNoMoreThan(before)
    assert.equal(await ztunnels.add(workload('uid-1', podNetns)), null)
    assert.deepEqual(await ztunnel.next(), added('uid-1', podNetns))
    const newer = await greet(socket)
    assert.deepEqual(await newer.see(2), [added('uid-1', podNetns), { saw: 'snapshot' }])
  })

test('a path that another agent took is left to it, and taken over when that one is gone', async () => {
  const { ztunnels, ztunnel, socket } = await serving()
  rmSync(socket)
  const other = Ztunnels.start({ socket, onEvent: () => {} })
  const file = statSync(socket).ino
  await assert.rejects(ztunnels.renew(), { code: 'EADDRINUSE' })
  assert.equal(statSync(socket).ino, file)
  assert.equal(await ztunnels.remove('uid-1'), null, 'who is connected is served all the while')
  assert.deepEqual(await ztunnel.next(), del('uid-1'))
  await other[Symbol.asyncDispose]()
  assert.equal(await ztunnels.renew(), true)
  assert.deepEqual(await (await greet(socket)).next(), { saw: 'snapshot' })
})

test('an agent that stops leaves a path alone that is another one by then', async () => {
  const { ztunnels, socket } = listen()
  rmSync(socket)
  const other = untilEnd(Ztunnels.start({ socket, onEvent: () => {} }))
  await ztunnels[Symbol.asyncDispose]()
  assert.equal(await other.renew(), false)
  assert.deepEqual(await (await greet(socket)).next(), { saw: 'snapshot' })
})

test('a thread that is killed is told at once with a reason, and whoever waits or comes later is answered', async () => {
  const { ztunnels, ztunnel, event, thread, socket } = await serving()
  ztunnel.tell({ do: 'wait' })
  assert.deepEqual(await ztunnel.next(), { saw: 'order' })
  const waiting = ztunnels.add(workload('uid-1', podNetns))
  assert.deepEqual(await ztunnel.next(), added('uid-1', podNetns))
  await (await thread).terminate()
  assert.equal((await event('ended')).reason.code, 'ztunnel_thread_ended')
  assert.equal(code(await waiting), 'ztunnel_thread_ended')
  const before = descriptors()
  assert.equal(code(await ztunnels.add(workload('uid-2', podNetns))), 'ztunnel_thread_ended')
  assert.equal(code(await ztunnels.remove('uid-1')), 'ztunnel_thread_ended')
  assert.equal(await ztunnels.renew(), false)
  await ztunnels[Symbol.asyncDispose]()
  await untilNoMoreThan(before)
  assert.equal(existsSync(socket), false)
})

test('a thread that ends by a fault of its own leaves no descriptor behind, of pods and connections neither', async () => {
  const before = descriptors()
  const { ztunnels, ztunnel, event, thread } = await serving()
  assert.equal(await ztunnels.add(workload('uid-1', podNetns)), null)
  // an order of no kind that there is: what comes behind it is never carried out
  const it = await thread
  it.postMessage(null)
  const answers = await Promise.all(['uid-2', 'uid-3'].map((uid) => ztunnels.add(workload(uid, podNetns))))
  assert.deepEqual(answers.map(code), ['ztunnel_thread_ended', 'ztunnel_thread_ended'])
  assert.match(JSON.stringify((await event('ended')).reason), /ztunnel_thread_ended.*null/)
  assert.deepEqual(await ztunnel.see(2), [added('uid-1', podNetns), { saw: 'hang-up' }])
  await ztunnel[Symbol.asyncDispose]()
  await untilNoMoreThan(before)
})

test('a ztunnel that comes while no descriptor is left is let in when one is, and who is connected is served', async () => {
  const { ztunnels, ztunnel, event, socket } = await serving()
  const limit = (soft: string): void =>
    void execFileSync('prlimit', ['--pid', String(process.pid), `--nofile=${soft}:`], { stdio: 'ignore' })
  const before = /(\d+)/.exec(execFileSync('prlimit', ['--pid', String(process.pid), '-n', '-o', 'SOFT']).toString())
  const newer = new Ztunnel(socket)
  const taken: number[] = []
  limit('512')
  try {
    // the child connects only once it has been loaded
    assert.throws(() => {
      for (;;) taken.push(openSync('/dev/null', 'r'))
    }, /EMFILE/)
    assert.match(JSON.stringify((await event('not-accepted')).reason), /ztunnel_not_accepted.*EMFILE/)
    assert.equal(await ztunnels.remove('uid-1'), null)
    assert.deepEqual(await ztunnel.next(), del('uid-1'))
  } finally {
    for (const fd of taken) closeSync(fd)
    limit(before?.[1] ?? '1024')
  }
  newer.tell({ do: 'hello' })
  assert.deepEqual(await newer.see(2), [{ saw: 'connected' }, { saw: 'snapshot' }])
})

test('ten thousand pods that come and go leave no descriptor behind', async () => {
  const { ztunnels } = await serving()
  const before = descriptors()
  for (let i = 0; i < 10_000; i += 50) {
    const uids = Array.from({ length: 50 }, (_, j) => `uid-${i + j}`)
    await Promise.all(uids.map((uid) => ztunnels.add(workload(uid, i % 100 === 0 ? podNetns : otherNetns))))
    await Promise.all(uids.map((uid) => ztunnels.remove(uid)))
  }
  await untilNoMoreThan(before)
})

test('nor do ten thousand that fail: refused, more than may wait, or with no ztunnel there', async () => {
  const each = async (ztunnels: Ztunnels, from: number, netns: TestNetns): Promise<readonly (string | undefined)[]> => {
    const uids = Array.from({ length: 250 }, (_, i) => `uid-${from + i}`)
    return (await Promise.all(uids.map((uid) => ztunnels.add(workload(uid, netns))))).map(code)
  }
  const { ztunnels: refused, ztunnel } = await serving()
  const { ztunnels: alone } = listen()
  ztunnel.tell({ do: 'refuse' })
  assert.deepEqual(await ztunnel.next(), { saw: 'order' })
  const before = descriptors()
  const seen = new Set<string | undefined>()
  for (let i = 0; i < 5_000; i += 250) {
    // the same pods again, from another namespace: the copy of the first one goes
    for (const netns of [podNetns, otherNetns]) for (const one of await each(refused, i, netns)) seen.add(one)
    assert.deepEqual(new Set(await each(alone, i, podNetns)), new Set(['ztunnel_not_connected']))
    for (const ztunnels of [refused, alone]) {
      const gone = Array.from({ length: 250 }, async (_, j) => await ztunnels.remove(`uid-${i + j}`))
      assert.deepEqual(new Set(await Promise.all(gone)), new Set([null]), 'ztunnel is told of all that leave')
    }
  }
  assert.deepEqual([...seen].toSorted(), ['ztunnel_busy', 'ztunnel_refused'])
  await untilNoMoreThan(before)
})
