/** What servers hold when nothing is in flight, after a collection of garbage, each in a process of its own. */
import type { ChildProcess } from 'node:child_process'
import type { LoadOrder, LoadResult } from './server/load.ts'
import type { ServerReady } from './server/ready.ts'
import { ask, receive, start } from './support/child.ts'
import type { Figure } from './support/figure.ts'
import { report } from './support/report.ts'
import type { Usage } from './support/usage.ts'

const CLUSTER = ['5000', '10000'] as const
const ADMISSIONS = 150_000
const FEW = 5_000
/** each with an answer of its own */
const UNLIKE = 30_000

const children: ChildProcess[] = []
try {
  const load = await started('server/load.ts')
  const held = async (server: ChildProcess, requests: number, replicaSet: 'same' | 'own' = 'same'): Promise<Usage> => {
    const { port, ca } = await receive<ServerReady>(server)
    await ask<LoadResult>(load, {
      port,
      ca,
      review: '2.6 KB',
      connections: 32,
      requests,
      replicaSet,
    } satisfies LoadOrder)
    return await ask<Usage>(server, 'usage')
  }
  const empty = await held(await started('server/empty.ts'), FEW)
  const small = await held(await started('server/webhook.ts', '100', '0'), FEW)
  const few = await held(await started('server/webhook.ts', ...CLUSTER), FEW)
  const many = await held(await started('server/webhook.ts', ...CLUSTER), ADMISSIONS)
  const unlike = await held(await started('server/webhook.ts', ...CLUSTER), UNLIKE, 'own')
  report([
    resident('an empty Fastify HTTPS server', empty),
    resident('webhook, 100 nodes', small),
    resident('webhook, 5,000 nodes and 10,000 namespaces', few),
    { ...resident('the same after 150,000 admissions', many), goal: '<= 130' },
    heap('the same after 150,000 admissions', many),
    resident('the same after 30,000 admissions of pods that are all unlike', unlike),
    {
      name: 'memory of webhook over the empty server',
      value: many.residentMiB - empty.residentMiB,
      unit: 'MiB',
      goal: '<= 40',
    },
  ])
} finally {
  for (const child of children) child.kill()
}

async function started(script: string, ...args: readonly string[]): Promise<ChildProcess> {
  const child = await start(script, ...args)
  children.push(child)
  return child
}

function resident(of: string, { residentMiB }: Usage): Figure {
  return { name: `memory of ${of}`, value: residentMiB, unit: 'MiB', goal: null }
}

function heap(of: string, { heapMiB }: Usage): Figure {
  return { name: `heap of ${of}`, value: heapMiB, unit: 'MiB', goal: null }
}
