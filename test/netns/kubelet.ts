import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { end, untilEnd } from './world.ts'

/** A process of that name and user for whoever looks for the kubelet: a folder like /proc that holds it alone. */
export async function procWithKubelet(uid: number, name = 'kubelet'): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-kubelet-'))
  untilEnd({ [Symbol.dispose]: () => rmSync(folder, { recursive: true }) })
  chmodSync(folder, 0o755)
  // what a process is called is the name of the file that it runs
  symlinkSync('/bin/cat', join(folder, name))
  const child = spawn(join(folder, name), [], { stdio: ['pipe', 'ignore', 'inherit'], uid })
  await once(child, 'spawn')
  untilEnd({ [Symbol.asyncDispose]: () => end(child) })
  const proc = join(folder, 'proc')
  mkdirSync(proc)
  symlinkSync(`/proc/${String(child.pid)}`, join(proc, String(child.pid)))
  return proc
}
