import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readlinkSync, rmSync } from 'node:fs'
import { readlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openNetns } from '../../src/edge/host/namespaces.ts'
import { NetnsWorker } from '../../src/edge/host/netns-worker.ts'
import { inNetns, ip, makeForeignNetns, makeNetns, publicPrograms, startWorker, tools } from './world.ts'

const OWN = '/proc/thread-self/ns/net'
const atStart = readlinkSync(OWN)
const worker = await startWorker()

test('each job works in the namespace that it names, also when many wait, and answers come in order', async () => {
  const spaces = Array.from({ length: 8 }, (_, i) => {
    const netns = makeNetns('order')
    ip('-n', netns.name, 'address', 'add', `192.0.2.${i + 1}/32`, 'dev', 'lo')
    return netns
  })
  const order: number[] = []
  const seen = await Promise.all(
    spaces.map(async (netns, i) => {
      const { addresses } = await worker.run('survey', netns.handle, {})
      order.push(i)
      return addresses.map(({ address }) => address).filter((address) => address.startsWith('192.0.2.'))
    }),
  )
  assert.deepEqual(
    seen,
    spaces.map((_, i) => [`192.0.2.${i + 1}`]),
  )
  assert.deepEqual(order, [...spaces.keys()])
})

test('neither the main thread nor the thread pool ever leaves the namespace of the process', async () => {
  const netns = makeNetns('pool')
  await worker.run('survey', netns.handle, {})
  assert.equal(readlinkSync(OWN), atStart)
  // more than the pool has threads, at once, so that each of them answers
  const pool = await Promise.all(Array.from({ length: 32 }, () => readlink(OWN)))
  assert.deepEqual([...new Set(pool)], [atStart])
})

test('a job that fails to enter its namespace rejects, and the worker goes on with the next', async () => {
  const netns = makeNetns('next')
  await assert.rejects(worker.run('survey', { fd: 999_999, foreignUsers: false }, {}), /setns: EBADF/)
  assert.ok((await worker.run('survey', netns.handle, {})).addresses.length > 0)
})

test('a path that is no network namespace is refused by name', () => {
  assert.throws(() => openNetns('/proc/self/ns/uts'), /\/proc\/self\/ns\/uts is not a network namespace/)
  assert.throws(() => openNetns('/etc/passwd'), /\/etc\/passwd is not a network namespace/)
  assert.throws(() => openNetns('/run/netns/sluice-none'), /ENOENT/)
})

test('a library that is not there is told, and jobs that need it are refused while others work', async () => {
  const { path } = makeNetns('nolib')
  const { code, output } = await runProgram('without-library.ts', [path, tools.programs])
  assert.equal(code, 0, 'the process ends in order, after its worker')
  const [hello, without, byCommand] = JSON.parse(output) as [{ error: string }, object, object]
  assert.match(hello.error, /\/nowhere\/libnftables\.so\.1/)
  assert.deepEqual(without, { ok: false, error: 'libnftables is not loaded' })
  assert.deepEqual(byCommand, { ok: true, changed: [] })
})

test('a second worker with libnftables is refused, since the library keeps state for the whole process', async () => {
  const programs = { directory: tools.programs, env: tools.env }
  await assert.rejects(NetnsWorker.start({ libnftables: tools.libnftables, programs }), /has libnftables already/)
  await using second = await NetnsWorker.start({ libnftables: null, programs })
  assert.equal(second.libnftables, 'not wanted')
})

test('a call that hangs ends the process, which says what hung', async () => {
  const { name, path } = makeNetns('hang')
  const pipe = join(tmpdir(), name)
  execFileSync('mkfifo', [pipe])
  const { signal, errors } = await runProgram('hang.ts', [path, tools.libnftables, pipe])
  rmSync(pipe)
  assert.equal(signal, 'SIGKILL')
  assert.match(errors, /the netns worker hangs in "apply"/)
})

test('rules with an owner match go into a namespace of other users by every backend', async (t) => {
  await using others = await NetnsWorker.start({ libnftables: null, programs: publicPrograms() })
  const v4 = '*nat\n-A OUTPUT -m owner --uid-owner 1337 -j RETURN\nCOMMIT\n'
  const text = [
    'add table inet t',
    'add chain inet t o { type nat hook output priority -100 ; }',
    'add rule inet t o meta skuid 1337 counter return',
  ].join('\n')
  const changes = [
    { worker, rules: { backend: 'libnftables', text } },
    { worker: others, rules: { backend: 'nft', text } },
    { worker: others, rules: { backend: 'iptables-nft', texts: { v4, v6: null } } },
    { worker: others, rules: { backend: 'iptables-legacy', texts: { v4, v6: null } } },
  ] as const
  for (const { worker, rules } of changes)
    await t.test(rules.backend, async () => {
      const { handle: netns } = await makeForeignNetns('foreign')
      assert.equal(netns.foreignUsers, true)
      assert.deepEqual(await worker.run('apply', netns, { rules, network: [] }), { ok: true, changed: [] })
      assert.match(JSON.stringify(await worker.run('dump', netns, { backend: rules.backend })), /1337/)
    })
})

test('a namespace of this process’s own users is not foreign', () => {
  assert.equal(makeNetns('own').handle.foreignUsers, false)
})

/** How often to apply and remove; CONTRIBUTING.md says when to take 10000. */
const APPLIES = Number(process.env['SLUICE_APPLIES'] ?? 300)

test('applying and removing again and again leaves no descriptor, thread or memory behind', async () => {
  const spaces = Array.from({ length: 50 }, () => makeNetns('again'))
  const applyAndRemove = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i++) {
      const { handle } = spaces[i % spaces.length] ?? assert.fail()
      const [add, remove] = [TEXT, 'delete table inet t\n'].map(
        (text) => ({ rules: { backend: 'libnftables', text }, network: [] }) as const,
      )
      assert.deepEqual(await worker.run('apply', handle, add ?? assert.fail()), { ok: true, changed: [] })
      assert.deepEqual(await worker.run('remove', handle, remove ?? assert.fail()), { ok: true, changed: [] })
    }
  }
  const held = (): object => ({
    descriptors: readdirSync('/proc/self/fd').length,
    threads: readdirSync('/proc/self/task').length,
  })
  await applyAndRemove(APPLIES / 3)
  const [before, memory] = [held(), process.memoryUsage.rss()]
  await applyAndRemove(APPLIES)
  assert.deepEqual(held(), before)
  assert.ok(process.memoryUsage.rss() - memory < 32 * 1024 * 1024, `${process.memoryUsage.rss() - memory} bytes more`)
  for (const netns of spaces) assert.equal(inNetns(netns, 'nft', 'list', 'ruleset'), '')
})

const TEXT =
  'table inet t {\n chain o {\n  type nat hook output priority -100;\n  meta skuid 1337 counter return\n }\n}\n'

interface Ended {
  readonly code: number | null
  readonly signal: string | null
  readonly output: string
  readonly errors: string
}

async function runProgram(name: string, args: readonly string[]): Promise<Ended> {
  const file = new URL(`./programs/${name}`, import.meta.url).pathname
  const child = spawn(process.execPath, [file, ...args], { env: tools.env, stdio: ['ignore', 'pipe', 'pipe'] })
  const [output, errors] = [child.stdout, child.stderr].map((stream) => stream.setEncoding('utf8').toArray())
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  return { code, signal, output: ((await output) ?? []).join(''), errors: ((await errors) ?? []).join('') }
}
