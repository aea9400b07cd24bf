import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { end, makeNetns, startWorker, tools, untilEnd } from './world.ts'

const worker = await startWorker()

test('a signal in the middle of a transaction makes no failure of it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-profile-'))
  untilEnd({ [Symbol.dispose]: () => rmSync(folder, { recursive: true }) })
  // a profiler interrupts the thread as often as it can
  const profiler = ['--cpu-prof', '--cpu-prof-interval', '1', '--cpu-prof-dir', folder]
  const program = join(import.meta.dirname, 'programs/profiled.ts')
  const args = [...profiler, program, makeNetns('profiled').path, '300']
  assert.equal(execFileSync(process.execPath, args, { encoding: 'utf8' }), '[]\n')
})

test('what is refused for a moment only has a reason too', async () => {
  const netns = makeNetns('moment')
  const args = ['netns', 'exec', netns.name, `${tools.programs}nft`, '--interactive']
  const other = spawn('ip', args, { env: tools.env, stdio: ['pipe', 'ignore', 'ignore'] })
  untilEnd({ [Symbol.asyncDispose]: () => end(other) })
  other.stdin.on('error', () => undefined)
  const feed = (): void => {
    while (other.stdin.write('add table inet t\ndelete table inet t\n')) continue
  }
  other.stdin.on('drain', feed)
  feed()
  const text = 'create table inet t\ndelete table inet t\n'
  const refusals: string[] = []
  while (refusals.length < 20) {
    const ran = await worker.run('nft', netns.handle, { backend: 'libnftables', text })
    if (!ran.ok) refusals.push(ran.error)
  }
  for (const refusal of refusals) assert.match(refusal, /File exists|No such file/)
})

test('rules are made however many namespaces are kept for ztunnel: the library waits by select, which ends at 1024', () => {
  const program = join(import.meta.dirname, 'programs/many-pods.ts')
  const args = [program, makeNetns('many').path, tools.libnftables, '1100']
  const made = execFileSync(process.execPath, args, { encoding: 'utf8' })
  assert.deepEqual(JSON.parse(made), { ok: true, changed: [] })
})
