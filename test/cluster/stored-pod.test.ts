import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type ApiServer, createNamespace, startApiServer } from '../../scripts/cluster/api-server.ts'
import { createNodes, registerWebhook } from '../../scripts/cluster/registered.ts'
import { EXAMPLES, readExample, readObjects } from '../../scripts/demo/examples.ts'
import { startWebhookProcess, type WebhookProcess } from '../../scripts/demo/webhook-process.ts'
import { objectOr, stringMap, stringOr, type JsonObject } from '../../src/core/json/value.ts'

let server: ApiServer
let webhook: WebhookProcess
const folder = mkdtempSync(join(tmpdir(), 'sluice-cluster-webhook-'))

before(async () => {
  webhook = await startWebhookProcess('examples', join(folder, 'certs'))
  server = await startApiServer()
  await createNodes(server, readObjects('cluster.yaml'))
  await registerWebhook(server, webhook)
  for (const file of EXAMPLES) {
    const metadata = objectOr(readExample(file).namespace['metadata'])
    await createNamespace(server, stringOr(metadata['name']) ?? '', stringMap(metadata['labels']))
  }
})
after(async () => {
  await server.stop()
  await webhook.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** The audit annotations that our webhook left on the newest request about a pod, by their short keys. */
function audited(namespace: string): Readonly<Record<string, string>> {
  const event = server
    .auditEvents()
    .findLast(({ objectRef }) => objectRef?.resource === 'pods' && objectRef.namespace === namespace)
  const entries = Object.entries(event?.annotations ?? {}).flatMap(([key, value]) => {
    const short = /\.sluice-mesh\.io\/([a-z-]+)$/.exec(key)?.[1]
    return short === undefined ? [] : [[short, value] as const]
  })
  return Object.fromEntries(entries)
}

describe('a pod that is really created', () => {
  let stored: JsonObject = {}
  before(async () => {
    const created = await server.kubectl(['apply', '-f', 'examples/01-deployment.yaml'])
    assert.equal(created.code, 0, created.stderr)
    assert.doesNotMatch(created.stderr, /Warning: sluice/, 'a real request warns only when something needs attention')
    stored = JSON.parse(
      (await server.kubectl(['get', 'pod', '-n', 'shop', 'cart-7c5ddbdf54-x7k2p', '-o', 'json'])).stdout,
    ) as JsonObject
  })

  test('carries the answer beside the status that Istio looks for', () => {
    const annotations = stringMap(objectOr(stored['metadata'])['annotations'])
    assert.equal(annotations['sluice-mesh.io/decided'], 'cni')
    assert.equal(annotations['sluice-mesh.io/reason'], 'cni_first')
    assert.match(annotations['sidecar.istio.io/status'] ?? '', /istio-proxy/)
  })

  test('comes again as the API server stored it, and nothing is to be changed', async () => {
    const { spec, metadata } = stored
    const { name, namespace, labels, annotations, generateName, ownerReferences } = objectOr(metadata)
    const again: JsonObject = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace, labels, annotations, generateName, ownerReferences },
      spec,
    }
    const before = audited('shop')
    const { code, stderr } = await server.kubectl(
      ['create', '--dry-run=server', '-f', '-'],
      JSON.stringify({ ...again, metadata: { ...objectOr(again['metadata']), name: 'cart-again' } }),
    )
    assert.equal(code, 0, stderr)
    assert.notEqual(before['mode'], undefined)
    const event = server.auditEvents().findLast(({ objectRef }) => objectRef?.namespace === 'shop')
    const mutated = Object.entries(event?.annotations ?? {}).filter(([key]) =>
      key.startsWith('mutation.webhook.admission.k8s.io/round_0'),
    )
    assert.equal(mutated.length, 1)
    assert.match(mutated[0]?.[1] ?? '', /"mutated":false/)
  })
})

test('a pod of a namespace that asks for nothing never reaches the webhook', async () => {
  await createNamespace(server, 'plain')
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'plain' },
    spec: { containers: [{ name: 'a', image: 'registry.example/a:1' }] },
  }
  const { code, stderr } = await server.kubectl(['apply', '--dry-run=server', '-f', '-'], JSON.stringify(pod))
  assert.deepEqual([code, stderr], [0, ''])
  assert.deepEqual(audited('plain'), {})
})
