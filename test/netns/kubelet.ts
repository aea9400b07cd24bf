import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CGROUPFS, makeCgroup } from './pod-process.ts'
import { end, untilEnd } from './world.ts'

/** A process, by what it is called and whose it is; `pod`: in the cgroup of a container of that pod. */
export interface Named {
  readonly uid: number
  readonly name?: string
  readonly pod?: string
}

/** A process of that name and user for whoever looks for the kubelet: a folder like /proc that holds it alone. */
export async function procWithKubelet(uid: number, name = 'kubelet'): Promise<string> {
  return await procWith([{ uid, name }])
}

/** A folder like /proc that holds these processes alone, which start in this order. */
export async function procWith(all: readonly Named[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-kubelet-'))
  untilEnd({ [Symbol.dispose]: () => rmSync(folder, { recursive: true }) })
  chmodSync(folder, 0o755)
  const proc = join(folder, 'proc')
  mkdirSync(proc)
  for (const { uid, name = 'kubelet', pod } of all) {
    // what a process is called is the name of the file that it runs
    const file = join(folder, name)
    if (!existsSync(file)) symlinkSync('/bin/cat', file)
    const group = pod === undefined ? undefined : makeCgroup(CGROUPFS(pod, randomBytes(32).toString('hex')))
    const child = spawn(file, [], { stdio: ['pipe', 'ignore', 'inherit'], uid })
    await once(child, 'spawn')
    untilEnd({ [Symbol.asyncDispose]: () => end(child) })
    if (group !== undefined) writeFileSync(join(group, 'cgroup.procs'), String(child.pid))
    symlinkSync(`/proc/${String(child.pid)}`, join(proc, String(child.pid)))
  }
  return proc
}
