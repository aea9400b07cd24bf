import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type ApiServer, createNamespace, startApiServer } from '../../scripts/cluster/api-server.ts'
import { createNodes, registerWebhook } from '../../scripts/cluster/registered.ts'
import { EXAMPLES, readExample, readObjects } from '../../scripts/demo/examples.ts'
import { startWebhookProcess, type WebhookProcess } from '../../scripts/demo/webhook-process.ts'
import type { Report } from '../../src/core/explain/report.ts'
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

/** What `sluice explain` says of the same pod offline. */
function explained(path: string): Report {
  const { stdout } = spawnSync(
    process.execPath,
    ['src/main.ts', 'explain', '-f', path, '--objects', 'examples', '-o', 'json'],
    { encoding: 'utf8' },
  )
  return JSON.parse(stdout) as Report
}

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

describe('kubectl apply --dry-run=server', () => {
  for (const file of EXAMPLES)
    test(`${file} prints mode and reason as a warning, as explain does offline and the audit log for ever`, async () => {
      const example = readExample(file)
      const namespace = stringOr(objectOr(example.namespace['metadata'])['name']) ?? ''
      const report = explained(example.path)
      const { stderr } = await server.kubectl(['apply', '--dry-run=server', '-f', example.path])
      const told = stderr.split('\n').filter((line) => line.startsWith('Warning: sluice: '))
      assert.ok(
        told.some((line) => line.includes(`${report.reason}: `)),
        `${report.reason} is not in ${stderr}`,
      )
      if (report.mode !== 'none')
        assert.ok(
          told.some((line) => line.includes(`mode ${report.mode}`)),
          stderr,
        )
      for (const { mode, reason } of report.rejected)
        assert.ok(
          told.some((line) => line.includes(`not ${mode}: ${reason}`)),
          `not ${mode}: ${reason} is not in ${stderr}`,
        )
      assert.deepEqual(
        {
          mode: audited(namespace)['mode'],
          reason: audited(namespace)['reason'],
          admin: audited(namespace)['net-admin'],
        },
        {
          mode: report.mode,
          reason: report.reason,
          admin: report.netAdmin.length === 0 ? undefined : report.netAdmin.join(','),
        },
      )
    })
})

describe('a namespace that enforces restricted', () => {
  test('gets cni where its nodes are covered, and the real Pod Security admission lets the pod pass', async () => {
    const { code, stderr } = await server.kubectl(['apply', '--dry-run=server', '-f', 'examples/02-restricted.yaml'])
    assert.equal(code, 0, stderr)
    assert.match(stderr, /mode cni/)
  })

  test('gets a refusal with every reason where they are not, and never init', async () => {
    const { code, stderr } = await server.kubectl([
      'apply',
      '--dry-run=server',
      '-f',
      'examples/07-nothing-possible.yaml',
    ])
    assert.equal(code, 1)
    assert.match(stderr, /denied the request: sluice: no_mode_possible/)
    for (const part of ['ambient: ', 'cni: nodes_not_covered', 'init: pod_security', 'to do: '])
      assert.ok(stderr.includes(part), part)
    assert.equal(audited('vault')['mode'], 'none')
  })
})

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
