/** The webhook under measurement: told its port and CA by message, asked for its CPU time by message. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startWebhook } from '../../src/app/webhook/start.ts'
import { cluster, node } from '../../test/app/webhook/cluster.ts'

export interface ServerReady {
  readonly port: number
  readonly ca: string
}

const NODES = 100

const directory = await mkdtemp(join(tmpdir(), 'sluice-bench-'))
const webhook = await startWebhook({
  facts: { from: 'objects', objects: [...cluster(), ...Array.from({ length: NODES }, (_, n) => node(`worker-${n}`))] },
  certificates: { from: 'self-made', directory, names: ['127.0.0.1'] },
  listen: { host: '127.0.0.1', port: 0 },
  metrics: { host: '127.0.0.1', port: 0 },
})
await rm(directory, { recursive: true })
process.on('message', () => process.send?.(process.cpuUsage()))
process.on('disconnect', () => process.exit())
process.on('SIGTERM', () => process.exit())
process.send?.({ port: webhook.address.port, ca: webhook.ca() } satisfies ServerReady)
