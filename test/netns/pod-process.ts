import { spawn } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { end, type TestNetns, untilEnd } from './world.ts'

/** A tree of cgroups of this machine, in which this process may make some. */
export interface Hierarchy {
  readonly version: 1 | 2
  readonly root: string
}

/** One of each version that is mounted; a machine has version 2, version 1, or both beside each other. */
export const HIERARCHIES: readonly Hierarchy[] = hierarchies()

export function podUid(): string {
  return randomUUID()
}

/** As the cgroupfs driver names a container. */
export const CGROUPFS = (uid: string, container: string): string => `pod${uid}/${container}`

/** A process of the pod `uid`, as a runtime starts it: in the pod's cgroup, and in the namespace `netns`. Gives its pid. */
export async function startPodProcess(
  uid: string,
  netns: TestNetns,
  pathOf = CGROUPFS,
  hierarchy = HIERARCHIES[0],
): Promise<number> {
  const container = makeCgroup(pathOf(uid, randomBytes(32).toString('hex')), hierarchy)
  const child = spawn('ip', ['netns', 'exec', netns.name, 'cat'], { stdio: ['pipe', 'pipe', 'inherit'] })
  untilEnd({ [Symbol.asyncDispose]: () => end(child) })
  // an answer comes from the program that `ip` becomes, when the namespace is entered
  child.stdin.write('.')
  await once(child.stdout, 'data')
  writeFileSync(join(container, 'cgroup.procs'), String(child.pid))
  return child.pid ?? 0
}

/** The folder of a cgroup of this test file, with those above it; gone after its tests. */
export function makeCgroup(path: string, hierarchy = HIERARCHIES[0]): string {
  if (hierarchy === undefined) throw new Error('no cgroup file system is mounted')
  const folder = join(hierarchy.root, `kubepods-sluice-${process.pid}`, path)
  const missing = (at: string): readonly string[] => (at === hierarchy.root ? [] : [...missing(dirname(at)), at])
  for (const at of missing(folder)) makeOne(at)
  return folder
}

function makeOne(path: string): void {
  try {
    mkdirSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return
  }
  untilEnd({ [Symbol.dispose]: () => rmdirSync(path) })
}

function hierarchies(): readonly Hierarchy[] {
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
  // a new group of cpuset takes nobody before it is told its processors
  const usable = mounts.filter(([, , , options = '']) => !options.split(',').includes('cpuset'))
  const first = (type: string): string | undefined => usable.find(([, , one]) => one === type)?.[1]
  return ([2, 1] as const).flatMap((version) => {
    const root = first(version === 2 ? 'cgroup2' : 'cgroup')
    return root === undefined ? [] : [{ version, root }]
  })
}
