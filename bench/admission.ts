/**
 * What one review costs, as the API server sees it. The real server runs in a process of its own, and so does the load
 * generator: the CPU time that is measured is the server's alone. Each figure is of the whole HTTPS round trip, one line
 * logged for each decision. Pods are of one ReplicaSet, as in a roll-out, unless a figure says that each is unlike all others.
 */
import type { LoadOrder, LoadResult } from './server/load.ts'
import type { ServerReady } from './server/ready.ts'
import { ask, receive, start } from './support/child.ts'
import { type Figure, quantile } from './support/figure.ts'
import { report } from './support/report.ts'
import type { Usage } from './support/usage.ts'

type Round = Omit<LoadOrder, 'port' | 'ca'> & { readonly cpuGoal?: string | null }

const CPU_GOAL = '<= 0.2'
const ROUNDS: readonly Round[] = [
  { review: '2.6 KB', connections: 1, requests: 8_000, cpuGoal: CPU_GOAL },
  { review: '2.6 KB', connections: 32, requests: 40_000, cpuGoal: CPU_GOAL },
  { review: '2.6 KB', connections: 32, requests: 20_000, cpuGoal: CPU_GOAL, replicaSet: 'own' },
  { review: '2.6 KB', connections: 4, requests: 1_000, fresh: true },
  { review: '64 KB', connections: 4, requests: 2_000 },
  { review: '1 MB', connections: 4, requests: 200 },
  { review: '2,000 env', connections: 4, requests: 500 },
]
/** until the compiler has settled: after 8,000 requests one on a single connection still takes a third more */
const WARM_UP = 20_000

const [server, load] = [await start('server/webhook.ts'), await start('server/load.ts')]
try {
  const { port, ca } = await receive<ServerReady>(server)
  await ask(load, { port, ca, review: '2.6 KB', connections: 32, requests: WARM_UP } satisfies LoadOrder)
  const figures: Figure[] = []
  for (const round of ROUNDS) figures.push(...(await measure({ port, ca, ...round })))
  report(figures)
} finally {
  for (const child of [server, load]) child.kill()
}

async function measure({ cpuGoal = null, ...order }: LoadOrder & Round): Promise<readonly Figure[]> {
  const before = await ask<Usage>(server, 'usage')
  const { latenciesMs, seconds } = await ask<LoadResult>(load, order)
  const after = await ask<Usage>(server, 'usage')
  const { review, connections, fresh = false, replicaSet = 'same' } = order
  const pods = replicaSet === 'own' ? 'each pod unlike all others, ' : ''
  const of = `admission, ${review}, ${pods}${connections} ${fresh ? 'new ' : ''}connection${connections === 1 ? '' : 's'}`
  const busy = connections === 32
  const perSecond = order.requests / seconds
  return [
    { name: `${of}: CPU`, value: (after.cpuMs - before.cpuMs) / order.requests, unit: 'ms', goal: cpuGoal },
    { name: `${of}: median`, value: quantile(latenciesMs, 0.5), unit: 'ms', goal: null },
    { name: `${of}: p99`, value: quantile(latenciesMs, 0.99), unit: 'ms', goal: busy ? '<= 20' : null },
    { name: `${of}: throughput`, value: perSecond, unit: 'requests/s', goal: busy ? '>= 4000' : null },
    { name: `${of}: memory`, value: after.residentMiB, unit: 'MiB', goal: null },
  ]
}
