import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { PluginProcess } from '../../test/netns/agent/node.ts'
import { type Figure, median, quantile } from './figure.ts'

const SOURCES = join(import.meta.dirname, '../runtime')
const FOLDER = join(import.meta.dirname, '../../node_modules/.cache/bench')
const PROGRAM = join(FOLDER, 'runtime')

/** How one call ended, and what it took: the process alone, from its start to its end. */
export interface CallEnd {
  readonly wallMs: number
  readonly cpuMs: number
  readonly code: number
  readonly stdout: string
}

/** Builds bench/runtime, which starts programs as a container runtime does. */
export function buildRuntime(): void {
  mkdirSync(FOLDER, { recursive: true })
  const { status, stderr, error } = spawnSync('go', ['build', '-o', PROGRAM, '.'], { cwd: SOURCES, encoding: 'utf8' })
  if (status !== 0) throw new Error(error?.message ?? stderr)
}

/** Runs `program` once for each of `calls`, at once or one after the other. Throws where one of them failed. */
export async function callAll(
  program: string,
  calls: readonly PluginProcess[],
  order: 'at once' | 'in turn' = 'in turn',
): Promise<readonly CallEnd[]> {
  const child = spawn(PROGRAM, [], { stdio: ['pipe', 'pipe', 'inherit'] })
  const closed = once(child, 'close')
  const plain = calls.map(({ env, stdin }) => ({
    env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    stdin,
  }))
  child.stdin.end(JSON.stringify({ program, atOnce: order === 'at once', calls: plain }))
  const printed = await text(child.stdout)
  await closed
  const ends = JSON.parse(printed) as readonly CallEnd[]
  const bad = ends.find(({ code }) => code !== 0)
  if (bad !== undefined) throw new Error(`${program} ended with ${bad.code}: ${bad.stdout}`)
  return ends
}

/** What calls of one kind took. */
export function callFigures(of: string, goal: string | null, ends: readonly CallEnd[]): readonly Figure[] {
  const wall = ends.map(({ wallMs }) => wallMs)
  return [
    { name: `${of}: CPU`, value: median(ends.map(({ cpuMs }) => cpuMs)), unit: 'ms', goal },
    { name: `${of}: median`, value: median(wall), unit: 'ms', goal: null },
    { name: `${of}: p99`, value: quantile(wall, 0.99), unit: 'ms', goal: null },
  ]
}
