import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import { type ApiServer, type AuditEvent, createNamespace, startApiServer } from '../../scripts/cluster/api-server.ts'
import { createNodes, registerWebhook } from '../../scripts/cluster/registered.ts'
import { readObjects } from '../../scripts/demo/examples.ts'
import { startWebhook } from '../../src/app/webhook/start.ts'
import { type JsonObject, objectOr, stringMap, stringOr } from '../../src/core/json/value.ts'

/** A real API server that asks a real webhook, both the test's own. */
export interface Mesh {
  readonly server: ApiServer
  /** Creates the objects as a dry run or for real; gives what kubectl printed. */
  readonly create: (objects: readonly JsonObject[], how: 'dry run' | 'for real') => Promise<Created>
  /** The audit log's line about the creation of a pod; throws where there is not exactly one. */
  readonly auditOf: (namespace: string, pod: string) => AuditEvent
  /** How many reviews got the answer to an earlier one. */
  readonly remembered: () => Promise<number>
  /** The webhook goes, its registration stays. */
  readonly stopWebhook: () => Promise<void>
  readonly stop: () => Promise<void>
}

export interface Created {
  readonly code: number
  readonly stderr: string
  /** the warnings, without kubectl's word for them */
  readonly warnings: readonly string[]
  /** as the API server answered them, in order, less those that it refused */
  readonly objects: readonly JsonObject[]
}

export type Namespaces = Readonly<Record<string, Readonly<Record<string, string>>>>

/** The cluster of examples/ with these namespaces (and their labels); the webhook knows them from its first request on. */
export async function startMesh(namespaces: Namespaces): Promise<Mesh> {
  const asked = Object.entries(namespaces).map(([name, labels]): JsonObject => namespaceOf(name, labels))
  const probe = namespaceOf('node-tools', { 'istio-injection': 'enabled' })
  const objects = [...readObjects('cluster.yaml'), ...asked, probe]
  const folder = mkdtempSync(join(tmpdir(), 'sluice-mesh-'))
  const undo: (() => Promise<void>)[] = [async () => await rm(folder, { recursive: true })]
  const stop = async (): Promise<void> => {
    for (let last = undo.pop(); last !== undefined; last = undo.pop()) await last()
  }
  try {
    const server = await startApiServer()
    undo.push(server.stop)
    const webhook = await startWebhook({
      facts: { from: 'objects', objects },
      certificates: { from: 'self-made', directory: folder, names: ['127.0.0.1'] },
      listen: { host: '127.0.0.1', port: 0 },
      metrics: { host: '127.0.0.1', port: 0 },
      log: { level: 'error', destination: new Writable({ write: (_chunk, _encoding, done) => done() }) },
      limits: { drainMs: 0 },
    })
    undo.push(webhook.close)
    await createNodes(server, objects)
    for (const object of objects.filter(({ kind }) => kind === 'Namespace')) {
      const { name, labels } = objectOr(object['metadata'])
      await createNamespace(server, stringOr(name) ?? '', stringMap(labels))
    }
    await registerWebhook(server, { url: `https://127.0.0.1:${webhook.address.port}`, ca: webhook.ca() })
    return {
      server,
      create: async (created, how) => await create(server, created, how),
      auditOf: (namespace, pod) => auditOf(server, namespace, pod),
      remembered: async () => await remembered(webhook.metricsAddress.port),
      stopWebhook: webhook.close,
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

async function remembered(port: number): Promise<number> {
  const page = await (await fetch(`http://127.0.0.1:${port}/metrics`, { signal: AbortSignal.timeout(10_000) })).text()
  return Number(/^sluice_admission_remembered_total (\d+)$/m.exec(page)?.[1] ?? 0)
}

function namespaceOf(name: string, labels: Readonly<Record<string, string>>): JsonObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } }
}

async function create(
  server: ApiServer,
  objects: readonly JsonObject[],
  how: 'dry run' | 'for real',
): Promise<Created> {
  const list = { apiVersion: 'v1', kind: 'List', items: objects }
  const { code, stdout, stderr } = await server.kubectl(
    ['create', '--validate=ignore', ...(how === 'dry run' ? ['--dry-run=server'] : []), '-o', 'json', '-f', '-'],
    JSON.stringify(list),
  )
  const warnings = stderr.split('\n').flatMap((line) => (line.startsWith('Warning: ') ? [line.slice(9)] : []))
  return { code, stderr, warnings, objects: documentsOf(stdout) }
}

/** kubectl prints one JSON document after the other, each from a line `{` to a line `}`. */
function documentsOf(stdout: string): readonly JsonObject[] {
  const texts = stdout.split(/(?<=^\})\n(?=^\{)/m).filter((text) => text.trim() !== '')
  return texts.map((text) => JSON.parse(text) as JsonObject)
}

function auditOf(server: ApiServer, namespace: string, pod: string): AuditEvent {
  const found = server
    .auditEvents()
    .filter(
      ({ verb, objectRef }) =>
        verb === 'create' &&
        objectRef?.resource === 'pods' &&
        objectRef.subresource === undefined &&
        objectRef.namespace === namespace &&
        objectRef.name === pod,
    )
  const [event] = found
  if (event === undefined || found.length > 1)
    throw new Error(`${found.length} lines of the audit log are about the creation of ${namespace}/${pod}`)
  return event
}

const UNTIL_MS = 30_000

/** Asks again until there is an answer; throws with what was waited for when it takes too long. */
export async function until<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + UNTIL_MS
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (Date.now() > deadline) throw new Error(`not within ${UNTIL_MS / 1000} s: ${what}`)
    await wait(100)
  }
}
