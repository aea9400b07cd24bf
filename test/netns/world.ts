import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach } from 'node:test'
import { type NetnsHandle, openNetns } from '../../src/edge/host/namespaces.ts'
import { NetnsWorker } from '../../src/edge/host/netns-worker.ts'
import { netnsTools } from '../../scripts/netns-tools.ts'

/** Namespaces of a test's own, which are gone when its file is done, also when it failed. */
export const tools = netnsTools()

/** What is to be undone, last first, after the tests of this file. */
const cleanups = new AsyncDisposableStack()
after(() => cleanups.disposeAsync())

/** What stays in the kernel when this process ends before its tests have: where the file throws, or the runner's time is over. */
const names = new Set<string>()
let hasBegun = false
beforeEach(() => (hasBegun = true))
function removeNames(): void {
  for (const name of names) spawnSync('ip', ['netns', 'delete', name])
  names.clear()
}
process.once('exit', removeNames)
// a file that throws before its first test ends its process without that
process.on('uncaughtExceptionMonitor', () => {
  if (!hasBegun) removeNames()
})
for (const [signal, number] of [
  ['SIGTERM', 15],
  ['SIGINT', 2],
] as const)
  process.on(signal, () => {
    // a test may wait for it
    if (process.listenerCount(signal) === 1) process.exit(128 + number)
  })

/** Ends all of it now: for a program that is no test, which its own child processes would keep running. */
export async function endAll(): Promise<void> {
  await cleanups.disposeAsync()
}

/** Something that ends with this test file. */
export function untilEnd<T extends Disposable | AsyncDisposable>(resource: T): T {
  return cleanups.use(resource)
}

export function ip(...args: readonly string[]): string {
  return execFileSync('ip', args, { encoding: 'utf8' })
}

/** A network namespace with its loopback up: its name, which no other process uses, its path, and an open handle. */
export interface TestNetns {
  readonly name: string
  readonly path: string
  readonly handle: NetnsHandle
}

export function makeNetns(role: string): TestNetns {
  return namedNetns(role, 'add')
}

function namedNetns(role: string, verb: 'add' | 'attach', ...args: readonly string[]): TestNetns {
  const name = `sluice-${process.pid}-${role}-${randomBytes(3).toString('hex')}`
  names.add(name)
  ip('netns', verb, name, ...args)
  cleanups.defer(() => {
    ip('netns', 'delete', name)
    names.delete(name)
  })
  ip('-n', name, 'link', 'set', 'lo', 'up')
  const path = `/run/netns/${name}`
  return { name, path, handle: untilEnd(openNetns(path)) }
}

/** Ends a child process and waits until it is gone. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

/** The first id on the node of a pod with users of its own. */
export const FOREIGN_IDS = 100_000

/** A network namespace as a pod with `hostUsers: false` has it: owned by a user namespace with ids of its own. */
export async function makeForeignNetns(role: string): Promise<TestNetns> {
  const child = spawn('unshare', ['--user', '--net', 'sh', '-c', 'echo ready; exec sleep 1000'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  cleanups.defer(() => end(child))
  await once(child.stdout, 'data')
  const pid = String(child.pid)
  for (const map of ['uid_map', 'gid_map']) writeFileSync(`/proc/${pid}/${map}`, `0 ${FOREIGN_IDS} 65536\n`)
  return namedNetns(role, 'attach', pid)
}

/** The worker of this test file. */
export async function startWorker(libnftables: string | null = tools.libnftables): Promise<NetnsWorker> {
  return untilEnd(await NetnsWorker.start({ libnftables, programs: { directory: tools.programs, env: tools.env } }))
}

/** A copy of the programs that every user may run: the cache can be in a home that only its owner may enter. */
export function publicPrograms(): { readonly directory: string; readonly env: Readonly<Record<string, string>> } {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-programs-'))
  cleanups.defer(() => rmSync(folder, { recursive: true }))
  chmodSync(folder, 0o755)
  cpSync(tools.root, folder, { recursive: true, verbatimSymlinks: true })
  const env = Object.entries(tools.env).map(([name, value]) => [name, value.replaceAll(tools.root, folder)] as const)
  return { directory: tools.programs.replace(tools.root, folder), env: Object.fromEntries(env) }
}

/** Runs one of the fetched programs inside `netns`. */
export function inNetns(netns: TestNetns, file: string, ...args: readonly string[]): string {
  return execFileSync('ip', ['netns', 'exec', netns.name, `${tools.programs}${file}`, ...args], {
    encoding: 'utf8',
    env: tools.env,
  })
}
