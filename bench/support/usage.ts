import { readdirSync, readFileSync } from 'node:fs'
import { median } from './figure.ts'

/** What a process has used, and what it holds. */
export interface Usage {
  readonly cpuMs: number
  /** resident, after a collection of garbage where the process was started with --expose-gc */
  readonly residentMiB: number
  readonly heapMiB: number
  readonly descriptors: number
  readonly handles: number
}

const MIB = 2 ** 20

export function ownUsage(): Usage {
  globalThis.gc?.()
  const { user, system } = process.cpuUsage()
  const { rss, heapUsed } = process.memoryUsage()
  return {
    cpuMs: (user + system) / 1000,
    residentMiB: rss / MIB,
    heapMiB: heapUsed / MIB,
    descriptors: readdirSync('/proc/self/fd').length,
    handles: process.getActiveResourcesInfo().length,
  }
}

/** Median of the CPU time that one run of `work` takes in this process, in ms; the first rounds are for the compiler. */
export function cpuOf(work: () => unknown, { runs, rounds = 9, warmUp = 3 }: Rounds): number {
  const perRun = Array.from({ length: rounds + warmUp }, () => {
    const before = process.cpuUsage()
    for (let run = 0; run < runs; run++) work()
    const { user, system } = process.cpuUsage(before)
    return (user + system) / 1000 / runs
  })
  return median(perRun.slice(warmUp))
}

export interface Rounds {
  readonly runs: number
  readonly rounds?: number
  readonly warmUp?: number
}

const TICK_MS = 10

/** CPU time of all child processes that have ended and were waited for, in ms; exact to a tick. */
export function childrenCpuMs(): number {
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1]?.split(' ') ?? []
  const [cutime, cstime] = [fields[13], fields[14]].map(Number)
  return ((cutime ?? 0) + (cstime ?? 0)) * TICK_MS
}
