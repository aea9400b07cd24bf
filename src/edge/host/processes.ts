import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { addressText } from './addresses.ts'
import type { NamespaceId } from './namespaces.ts'
import type { Steps } from './steps.ts'

/**
 * The node's processes, as `proc` shows them. They come and go while one reads: what cannot be read is passed over, and a process
 * that nobody may look at is one of those.
 */

/** A process in a network namespace that is not the node's own, as far as one may know. */
export interface NetnsProcess {
  readonly pid: number
  /** null: whose namespace it is in, only SYS_PTRACE may see; its addresses are open to everybody */
  readonly netns: NamespaceId | null
  /** as `/proc/<pid>/cgroup` has it */
  readonly cgroup: string
}

/** So many are read in a step: a node has thousands, and other work of the thread should not wait for all. */
const IN_A_STEP = 64

/** One process for each namespace and cgroup, beside those of the namespaces `except`. */
export function* netnsProcesses(proc: string, except: readonly NamespaceId[]): Steps<readonly NetnsProcess[]> {
  const passed = new Set(except)
  const found = new Map<string, NetnsProcess>()
  for (const [i, pid] of pidsOf(proc).entries()) {
    if (i % IN_A_STEP === IN_A_STEP - 1) yield { sockets: [], ms: 0 }
    const netns = ofProcess(() => namespaceOf(netnsOf(proc, pid)))
    if (netns === undefined || (netns !== null && passed.has(netns))) continue
    const cgroup = ofProcess(() => readFileSync(join(proc, String(pid), 'cgroup'), 'utf8'))
    if (cgroup === undefined) continue
    const key = `${netns} ${cgroup}`
    if (!found.has(key)) found.set(key, { pid, netns, cgroup })
  }
  return [...found.values()]
}

function namespaceOf(path: string): NamespaceId | null {
  try {
    const { dev, ino } = statSync(path, { bigint: true })
    return `${dev}:${ino}`
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EACCES' || code === 'EPERM') return null
    throw error
  }
}

/** The addresses of the network namespace that a process is in, loopback apart; none where the process is gone. */
export function addressesOfProcess(proc: string, pid: number): readonly string[] {
  const net = join(proc, String(pid), 'net')
  const read = (name: string): string => ofProcess(() => readFileSync(join(net, name), 'utf8')) ?? ''
  const local4 = [...read('fib_trie').matchAll(/\|-- (\d+\.\d+\.\d+\.\d+)\n\s+\/32 host LOCAL/g)]
  const local6 = [...read('if_inet6').matchAll(/^([0-9a-f]{32}) /gm)]
  const all = [
    ...local4.map(([, address = '']) => address),
    ...local6.map(([, hex = '']) => addressText(Buffer.from(hex, 'hex'))),
  ]
  return [...new Set(all)].filter((address) => !address.startsWith('127.') && address !== '::1')
}

/** The file that leads to the network namespace of a process. */
export function netnsOf(proc: string, pid: number): string {
  return join(proc, String(pid), 'ns', 'net')
}

/** A process as whoever looks for one by its name may tell it. */
export interface NamedProcess {
  readonly name: string
  readonly commandLine: readonly string[]
  /** as `/proc/<pid>/cgroup` has it */
  readonly cgroup: () => string
}

/** The user of the first process that is such; undefined where there is none. */
export function userOfProcess(proc: string, isSuch: (process: NamedProcess) => boolean): number | undefined {
  for (const pid of pidsOf(proc)) {
    const at = join(proc, String(pid))
    const read = (file: string): string => readFileSync(join(at, file), 'utf8')
    const user = ofProcess(() => {
      const name = read('comm').trimEnd()
      const commandLine = read('cmdline').split('\0')
      return isSuch({ name, commandLine, cgroup: () => read('cgroup') }) ? statSync(at).uid : undefined
    })
    if (user !== undefined) return user
  }
  return undefined
}

function pidsOf(proc: string): readonly number[] {
  return readdirSync(proc)
    .filter((name) => /^[1-9][0-9]*$/.test(name))
    .map(Number)
    .sort((one, other) => one - other)
}

function ofProcess<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES' || code === 'EPERM') return undefined
    throw error
  }
}
