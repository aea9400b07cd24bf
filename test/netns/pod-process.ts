import { spawn } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { end, type TestNetns, untilEnd } from './world.ts'

/** The root of a hierarchy of cgroups in which this process may make some. */
const HIERARCHY = hierarchy()
const PARENT = `${HIERARCHY}/kubepods-sluice-${process.pid}`
let isThere = false

export function podUid(): string {
  return randomUUID()
}

/** A process of the pod `uid`, as a runtime starts it: in the pod's cgroup, and in the namespace `netns`. Gives its pid. */
export async function startPodProcess(uid: string, netns: TestNetns): Promise<number> {
  if (!isThere) makeCgroup(PARENT)
  isThere = true
  const pod = `${PARENT}/pod${uid}`
  const container = `${pod}/${randomBytes(32).toString('hex')}`
  for (const path of [pod, container]) makeCgroup(path)
  const child = spawn('ip', ['netns', 'exec', netns.name, 'cat'], { stdio: ['pipe', 'pipe', 'inherit'] })
  untilEnd({ [Symbol.asyncDispose]: () => end(child) })
  // an answer comes from the program that `ip` becomes, when the namespace is entered
  child.stdin.write('.')
  await once(child.stdout, 'data')
  writeFileSync(`${container}/cgroup.procs`, String(child.pid))
  return child.pid ?? 0
}

function makeCgroup(path: string): void {
  try {
    mkdirSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return
  }
  untilEnd({ [Symbol.dispose]: () => rmdirSync(path) })
}

/** Of version 2 where it is mounted, else any of version 1. */
function hierarchy(): string {
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
  const found = mounts.find(([, , type]) => type === 'cgroup2') ?? mounts.find(([, , type]) => type === 'cgroup')
  if (found?.[1] === undefined) throw new Error('no cgroup file system is mounted')
  return found[1]
}
