/** The webhook under measurement, with so many nodes and namespaces (arguments): tells its port and CA, then on request what it uses. */
import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startWebhook } from '../../src/app/webhook/start.ts'
import { largeCluster } from './large-cluster.ts'
import { answerUsage, type ServerReady } from './ready.ts'

const [nodes = 100, namespaces = 0] = process.argv.slice(2).map(Number)
const directory = await mkdtemp(join(tmpdir(), 'sluice-bench-'))
const webhook = await startWebhook({
  facts: { from: 'objects', objects: largeCluster(nodes, namespaces) },
  certificates: { from: 'self-made', directory, names: ['127.0.0.1'] },
  listen: { host: '127.0.0.1', port: 0 },
  metrics: { host: '127.0.0.1', port: 0 },
})
// only at the end: the certificates are looked after for as long as it runs, and made anew where they are gone
process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
answerUsage()
process.send?.({ port: webhook.address.port, ca: webhook.ca() } satisfies ServerReady)
