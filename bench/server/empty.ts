/** What every server of this kind costs: Fastify over HTTPS with one answer, and nothing of Sluice but its certificate. */
import { fastify } from 'fastify'
import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { directoryStore } from '../../src/edge/tls/directory-store.ts'
import { selfMadeSource } from '../../src/edge/tls/self-made-source.ts'
import { answerUsage, type ServerReady } from './ready.ts'

const directory = await mkdtemp(join(tmpdir(), 'sluice-bench-'))
const source = selfMadeSource({
  store: directoryStore(directory),
  names: ['127.0.0.1'],
  caName: 'bench',
  now: () => new Date(),
  report: (error) => console.error(error),
  announce: () => undefined,
})
await source.refresh()
await rm(directory, { recursive: true })
const certificate = source.current()
if (certificate === undefined) throw new Error('no certificate was made')
const { cert, key, ca } = certificate
const app = fastify({ https: { cert, key } })
app.post('/inject', () => ({ ok: true }))
await app.listen({ host: '127.0.0.1', port: 0 })
answerUsage()
process.send?.({ port: (app.server.address() as AddressInfo).port, ca } satisfies ServerReady)
