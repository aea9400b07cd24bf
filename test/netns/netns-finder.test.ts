import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Found, NetnsFinder } from '../../src/app/agent/netns-finder.ts'
import type { JournalEntry } from '../../src/app/agent/journal.ts'
import { address } from '../../src/core/intent/grammar.ts'
import { openNetns } from '../../src/edge/host/namespaces.ts'
import { podUid, startPodProcess } from './pod-process.ts'
import { ip, makeNetns, startWorker, type TestNetns, untilEnd } from './world.ts'

const worker = await startWorker(null)
const host = untilEnd(openNetns('/proc/self/ns/net'))
const NETNS_DIR = '/run/netns'
const [mine, other] = [podNetns('mine', '10.88.0.2', 'fd88::2'), podNetns('other', '10.88.0.3', 'fd88::3')]
const MINE = [address.parse('10.88.0.2')]

test('the namespace of a pod is found by a process of the pod inside, and named by the file that the runtime keeps', async () => {
  const uid = podUid()
  await startPodProcess(uid, mine)
  assert.deepEqual(await found(finder(), uid), mine.path)
  assert.equal(await found(finder(), uid, ['fd88::2']), mine.path)
})

test('where the runtime keeps no file, the process itself leads there', async () => {
  const uid = podUid()
  const pid = await startPodProcess(uid, mine)
  assert.equal(await found(finder({ netnsDir: '/nowhere' }), uid), `/proc/${pid}/ns/net`)
})

test('a process of somebody else inside the pod’s namespace leads nobody there', async () => {
  const [uid, guest] = [podUid(), podUid()]
  await startPodProcess(guest, mine)
  assert.equal((await finder().find({ uid, addresses: MINE })).is, 'lost')
  await startPodProcess(uid, mine)
  assert.equal(await found(finder(), uid), mine.path)
})

test('a process of the pod inside another pod’s namespace does not make that one its own', async () => {
  const uid = podUid()
  await startPodProcess(uid, other)
  const lost = await finder().find({ uid, addresses: MINE })
  assert.match(why(lost), /in 1 network namespaces, and none has an address/)
  await startPodProcess(uid, mine)
  assert.equal(await found(finder(), uid), mine.path)
})

test('a pod whose addresses nobody knows yet is not guessed', async () => {
  const uid = podUid()
  await startPodProcess(uid, mine)
  assert.match(why(await finder().find({ uid, addresses: [] })), /does not say yet/)
})

test('the namespace of the node is nobody’s, even where a process of the pod is in it with the pod’s address', async () => {
  const uid = podUid()
  await startPodProcess(uid, mine)
  const lost = await finder({ host: mine.handle }).find({ uid, addresses: MINE })
  assert.equal(lost.is, 'lost')
})

test('the journal shows the way where it still leads to the same namespace with an address of the pod', async () => {
  const uid = podUid()
  const there = { netnsPath: mine.path, netnsId: mine.handle.id, addresses: [] }
  assert.equal(await found(finder({ entry: there }), uid), mine.path)
  for (const entry of [
    { netnsPath: mine.path, netnsId: other.handle.id },
    { netnsPath: other.path, netnsId: other.handle.id },
    { netnsPath: '/run/netns/gone', netnsId: mine.handle.id },
    { netnsPath: '/etc/hostname', netnsId: mine.handle.id },
  ])
    assert.match(
      why(await finder({ entry: { addresses: [], ...entry } }).find({ uid, addresses: MINE })),
      /no process of the pod/,
    )
})

test('a sandbox that the API server has not heard of is found by what the runtime gave it, unless another one is what it says', async () => {
  const uid = podUid()
  const anew = finder({ entry: { netnsPath: mine.path, netnsId: mine.handle.id, addresses: ['10.88.0.2'] } })
  assert.equal(await found(anew, uid, []), mine.path)
  assert.equal(await found(anew, uid, ['10.99.0.1']), mine.path, 'the address of the sandbox before')
  await startPodProcess(uid, mine)
  const before = { netnsPath: other.path, netnsId: other.handle.id, addresses: ['10.88.0.3'] }
  assert.equal(await found(finder({ entry: before }), uid), mine.path)
})

test('a thousand looks leave no descriptor behind, and what was found closes once', async () => {
  const [uid, nowhere] = [podUid(), podUid()]
  await startPodProcess(uid, mine)
  await startPodProcess(uid, other)
  const one = finder()
  await found(one, uid)
  const before = descriptors()
  for (let i = 0; i < 100; i++)
    await Promise.all(
      Array.from({ length: 10 }, async (_, j) =>
        j % 2 === 0 ? await found(one, uid) : await one.find({ uid: nowhere, addresses: MINE }),
      ),
    )
  assert.equal(descriptors(), before)
})

test('without SYS_PTRACE the namespace is the one that the runtime keeps and that has the address of the pod’s process', async () => {
  const [uid, guest, stray] = [podUid(), podUid(), podUid()]
  await startPodProcess(uid, mine)
  await startPodProcess(guest, mine)
  await startPodProcess(stray, other)
  const look = (of: string, sought: string): string => {
    const program = fileURLToPath(new URL('programs/find-netns.ts', import.meta.url))
    const without = ['--bounding-set', '-sys_ptrace', process.execPath, program, sought, of]
    const { status, stdout, stderr } = spawnSync('setpriv', without, { encoding: 'utf8' })
    assert.equal(status, 0, stderr)
    return stdout.trim()
  }
  for (const sought of ['10.88.0.2', 'fd88::2']) assert.equal(look(uid, sought), mine.path)
  // a process of another pod that sits in there names another uid, and one elsewhere has other addresses
  for (const lost of [podUid(), stray]) assert.match(look(lost, '10.88.0.2'), /netns_not_found/)
})

interface Given {
  readonly netnsDir?: string
  readonly host?: TestNetns['handle']
  readonly entry?: Pick<JournalEntry, 'netnsPath' | 'netnsId' | 'addresses'>
}

function finder({ netnsDir = NETNS_DIR, entry, host: node = host }: Given = {}): NetnsFinder {
  const journal = { get: () => entry as JournalEntry | undefined }
  return new NetnsFinder({ worker, host: node, proc: '/proc', netnsDir, journal })
}

/** The path of what is found; it is closed again. */
async function found(by: NetnsFinder, uid: string, addresses: readonly string[] = MINE): Promise<string> {
  const result = await by.find({ uid, addresses: addresses.map((one) => address.parse(one)) })
  if (result.is !== 'found') return why(result)
  using netns = result.netns
  assert.equal(netns.id, mine.handle.id)
  return result.path
}

function why(result: Found): string {
  return result.is === 'lost' && result.reason.code === 'netns_not_found'
    ? result.reason.args.why
    : JSON.stringify(result)
}

function podNetns(role: string, ...addresses: readonly string[]): TestNetns {
  const netns = makeNetns(role)
  ip('-n', netns.name, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'other0')
  for (const one of addresses)
    ip('-n', netns.name, 'address', 'add', one, 'dev', 'eth0', ...(one.includes(':') ? ['nodad'] : []))
  for (const device of ['eth0', 'other0']) ip('-n', netns.name, 'link', 'set', device, 'up')
  return netns
}

function descriptors(): number {
  return readdirSync('/proc/self/fd').length
}
