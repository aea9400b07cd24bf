/**
 * `node bench/admission.ts [--json FILE]`: what one review costs, as the API server sees it. The real server runs in a process
 * of its own, and so does the load generator: the CPU time that is measured is the server's alone. Each figure is of the
 * whole HTTPS round trip on kept-alive connections, one line logged for each decision.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import type { LoadOrder, LoadResult } from './admission/load.ts'
import { reviewBody } from './admission/review-body.ts'
import type { ServerReady } from './admission/server.ts'

const ROUNDS = [
  { connections: 1, requests: 8_000 },
  { connections: 32, requests: 40_000 },
] as const
const WARM_UP = 4_000

interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** what is aimed at, in words; null where there is no aim */
  readonly goal: string | null
}

const { values } = parseArgs({ options: { json: { type: 'string' } } })
const server = start('server.ts')
const load = start('load.ts')
try {
  const { port, ca } = await receive<ServerReady>(server)
  const figures: Figure[] = []
  await run({ port, ca, connections: 32, requests: WARM_UP })
  for (const round of ROUNDS) figures.push(...(await measure({ port, ca, ...round })))
  for (const { name, value, unit, goal } of figures)
    console.log(`${name.padEnd(34)} ${value.toFixed(3).padStart(10)} ${unit.padEnd(10)} ${goal ?? ''}`.trimEnd())
  console.log(`(${reviewBody().length} bytes a review)`)
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(figures, null, 2)}\n`)
} finally {
  for (const child of [server, load]) child.kill()
}

async function measure(order: LoadOrder): Promise<readonly Figure[]> {
  const before = await cpuMs()
  const { latenciesMs, seconds } = await run(order)
  const cpu = ((await cpuMs()) - before) / order.requests
  const sorted = latenciesMs.toSorted((a, b) => a - b)
  const at = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? 0
  const of = `${order.connections} connection${order.connections === 1 ? '' : 's'}`
  return [
    { name: `CPU per request, ${of}`, value: cpu, unit: 'ms', goal: '<= 0.2' },
    { name: `p50, ${of}`, value: at(0.5), unit: 'ms', goal: null },
    { name: `p99, ${of}`, value: at(0.99), unit: 'ms', goal: order.connections === 32 ? '<= 20' : null },
    { name: `throughput, ${of}`, value: order.requests / seconds, unit: 'requests/s', goal: null },
  ]
}

async function run(order: LoadOrder): Promise<LoadResult> {
  load.send(order)
  return await receive<LoadResult>(load)
}

async function cpuMs(): Promise<number> {
  server.send('cpu')
  const { user, system } = await receive<NodeJS.CpuUsage>(server)
  return (user + system) / 1000
}

function start(script: string): ChildProcess {
  // the log goes where a container's does: through standard output, here to nowhere
  return fork(new URL(`admission/${script}`, import.meta.url), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
}

async function receive<T>(child: ChildProcess): Promise<T> {
  const gone = new AbortController()
  const exited = once(child, 'exit', { signal: gone.signal }).then(() => {
    throw new Error('a process of the benchmark ended before its time')
  })
  exited.catch(() => undefined)
  const [message] = (await Promise.race([once(child, 'message'), exited])) as [T]
  gone.abort()
  return message
}
