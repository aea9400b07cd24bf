import assert from 'node:assert/strict'
import { type ChildProcess } from 'node:child_process'
import { after, test } from 'node:test'
import type { LoadOrder, LoadResult } from '../../bench/server/load.ts'
import type { ServerReady } from '../../bench/server/ready.ts'
import { ask, receive, start } from '../../bench/support/child.ts'
import { median } from '../../bench/support/figure.ts'
import type { Usage } from '../../bench/support/usage.ts'

/** A webhook as it is shipped under half the load that it can take: nothing may grow. SLUICE_SOAK_SECONDS makes it longer. */
const SECONDS = Number(process.env['SLUICE_SOAK_SECONDS'] ?? 60)
const PARTS = 10
const CONNECTIONS = 8
/** every answer is worked out, remembered and forgotten again */
const UNLIKE = { replicaSet: 'own' } as const

const children: ChildProcess[] = []
after(() => {
  for (const child of children) child.kill()
})

async function started(script: string): Promise<ChildProcess> {
  const child = await start(script)
  children.push(child)
  return child
}

test('under half load neither memory, handles nor descriptors of the webhook grow', async (t) => {
  const [server, load] = [await started('server/webhook.ts'), await started('server/load.ts')]
  const { port, ca } = await receive<ServerReady>(server)
  const order: LoadOrder = { port, ca, review: '2.6 KB', connections: CONNECTIONS, requests: 5_000, ...UNLIKE }
  // what is compiled and cached at first is no leak
  await ask<LoadResult>(load, order)
  const { seconds } = await ask<LoadResult>(load, order)
  const perSecond = order.requests / seconds / 2
  const requests = Math.ceil((perSecond * SECONDS) / PARTS)
  const seen: Usage[] = []
  for (let part = 0; part < PARTS; part++) {
    // every second part on new connections, since those are what leaks descriptors
    const { latenciesMs } = await ask<LoadResult>(load, { ...order, requests, perSecond, fresh: part % 2 === 1 })
    assert.equal(latenciesMs.length, requests, 'every request was answered')
    seen.push(await ask<Usage>(server, 'usage'))
  }
  const series = (of: (usage: Usage) => number): string => seen.map((usage) => of(usage).toFixed(1)).join(' ')
  t.diagnostic(`${requests * PARTS} requests; heap, MiB: ${series(({ heapMiB }) => heapMiB)}`)
  t.diagnostic(`resident, MiB: ${series(({ residentMiB }) => residentMiB)}`)
  t.diagnostic(`descriptors: ${series(({ descriptors }) => descriptors)}; handles: ${series(({ handles }) => handles)}`)
  const [early, late] = [seen.slice(0, PARTS / 2), seen.slice(PARTS / 2)]
  const growth = (of: (usage: Usage) => number): number => median(late.map(of)) - median(early.map(of))
  // the heap is what is reachable, so its noise is small; resident memory also holds what V8 has not given back
  assert.ok(growth(({ heapMiB }) => heapMiB) < 2, 'the heap grows')
  assert.ok(growth(({ residentMiB }) => residentMiB) < 20, 'resident memory grows')
  assert.ok(growth(({ descriptors }) => descriptors) <= CONNECTIONS, 'descriptors grow')
  assert.ok(growth(({ handles }) => handles) <= CONNECTIONS, 'handles grow')
})
