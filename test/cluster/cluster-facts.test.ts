import assert from 'node:assert/strict'
import { after, before, test, type TestContext } from 'node:test'
import { type ApiServer, createNamespace, startApiServer } from '../../scripts/cluster/api-server.ts'
import { createNodes } from '../../scripts/cluster/registered.ts'
import type { JsonObject } from '../../src/core/json/value.ts'
import * as given from '../app/webhook/cluster.ts'
import { call, metricsOf, post, responseOf, serve, type Serving } from '../app/webhook/serving.ts'
import { type ApiProxy, startApiProxy } from './api-proxy.ts'
import { until } from './until.ts'

let api: ApiServer
let proxy: ApiProxy
before(async () => {
  api = await startApiServer()
  proxy = await startApiProxy(api)
  for (const name of ['istio-system', 'sluice-system']) await createNamespace(api, name)
  await createNamespace(api, 'mesh', { 'istio-injection': 'enabled' })
  await apply(...given.cluster().filter(({ kind }) => kind === 'ConfigMap'), daemonSet('sluice-agent'))
  await createNodes(api, [given.node('node-1'), given.node('node-2')])
  // the API server makes nodes with it, and a controller that does not run here would take it away
  await api.kubectl(['taint', 'nodes', '--all', 'node.kubernetes.io/not-ready-'])
})
after(async () => {
  await proxy.stop()
  await api.stop()
})

async function apply(...objects: readonly JsonObject[]): Promise<void> {
  const text = objects.map((object) => JSON.stringify(object)).join('\n---\n')
  const { code, stderr } = await api.kubectl(['apply', '-f', '-'], text)
  assert.equal(code, 0, stderr)
}

function daemonSet(component: string): JsonObject {
  const labels = { 'app.kubernetes.io/name': component }
  const template = { metadata: { labels }, spec: { containers: [{ name: 'a', image: 'test.local/a:1' }] } }
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: component, namespace: 'sluice-system', labels },
    spec: { selector: { matchLabels: labels }, template },
  }
}

const mesh = (text: string): JsonObject => given.configMap('istio-system', 'istio', { mesh: text })
const policy = (text: string): JsonObject => given.configMap('sluice-system', 'sluice-policy', { policy: text })

/** A webhook that follows the API server through the proxy. */
async function follow(t: TestContext): Promise<Serving> {
  // a proof that facts are current several times a second, also where nothing happens
  const watch = { firstMs: 5, maxMs: 50, idleMs: 300, absentMs: 300 }
  return await serve(t, { facts: { from: 'cluster', connection: proxy.connection, watch } })
}

async function isReady(serving: Serving): Promise<boolean> {
  return (await call(serving, '/readyz')).status === 200
}

/** The mode that a pod of `namespace` gets now, or the reason for getting none. */
async function decided(serving: Serving, namespace: string): Promise<string> {
  const { auditAnnotations, status } = responseOf(await post(serving, given.review(given.pod(), namespace)))
  return status?.message ?? auditAnnotations?.['mode'] ?? 'nothing'
}

async function decides(serving: Serving, namespace: string, want: string | RegExp): Promise<void> {
  let last = ''
  const isIt = async (): Promise<boolean> => {
    last = await decided(serving, namespace).catch(String)
    return typeof want === 'string' ? last === want : want.test(last)
  }
  await until(isIt, () => ({ want: String(want), last }))
}

test('not ready before the cluster was read, then ready and deciding by what is in it, and by what comes into it', async (t) => {
  proxy.trick = () => ({ answer: 503 })
  const serving = await follow(t)
  assert.equal(await isReady(serving), false)
  assert.match(
    (await call(serving, '/readyz?verbose')).text,
    /\[-\]synced failed: not read from the cluster yet: Namespace/,
  )
  proxy.trick = () => undefined
  await until(
    () => isReady(serving),
    () => serving.logged().slice(-2000),
  )
  await decides(serving, 'mesh', 'cni')
  await createNamespace(api, 'new', { 'istio-injection': 'enabled' })
  await decides(serving, 'new', 'cni')
  for (const node of ['node-1', 'node-2']) await api.kubectl(['label', 'node', node, 'sluice-mesh.io/cni-'])
  await decides(serving, 'new', 'init')
  for (const node of ['node-1', 'node-2']) await api.kubectl(['label', 'node', node, 'sluice-mesh.io/cni=ready'])
  await decides(serving, 'new', 'cni')
  assert.match(await metricsOf(serving), /sluice_watch_problems_total\{kind="Node",at="request"\} \d/)
})

test('a bad version of a configuration keeps the last good one, raises an alarm and leaves the replica ready', async (t) => {
  const serving = await follow(t)
  await until(
    () => isReady(serving),
    () => serving.logged().slice(-2000),
  )
  await apply(mesh('trustDomain: [not, a, name]'))
  const isBad = async (): Promise<boolean> =>
    (await metricsOf(serving)).includes('sluice_configuration_bad{configuration="mesh"} 1')
  await until(isBad, () => serving.logged().slice(-2000))
  assert.match((await call(serving, '/readyz?verbose')).text, /\[!\]configuration_unusable alarm: .*trustDomain/)
  assert.equal(await isReady(serving), true)
  await decides(serving, 'mesh', 'cni')
  await apply(mesh('trustDomain: good.example'))
  await until(
    async () => !(await isBad()),
    () => serving.logged().slice(-2000),
  )
})

test('without the API server it goes on deciding; facts that are too old raise an alarm and grant no NET_ADMIN', async (t) => {
  await apply(policy('{ defaultMode: init, maxStale: 2s }'))
  const serving = await follow(t)
  await until(
    () => isReady(serving),
    () => serving.logged().slice(-2000),
  )
  await decides(serving, 'mesh', 'init')
  await proxy.refuse()
  await decides(serving, 'mesh', /net_admin_stale/)
  const verbose = (await call(serving, '/readyz?verbose')).text
  assert.match(
    verbose,
    /\[!\]facts_stale alarm: the oldest fact about the cluster is \d+ s old, more than the 2 s of maxStale/,
  )
  assert.equal(await isReady(serving), true)
  await proxy.accept()
  await decides(serving, 'mesh', 'init')
})
