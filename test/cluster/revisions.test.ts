import assert from 'node:assert/strict'
import { after, before, test, type TestContext } from 'node:test'
import { parseAllDocuments } from 'yaml'
import { renderChart } from '../../scripts/chart/helm.ts'
import { type ApiServer, createNamespace, startApiServer } from '../../scripts/cluster/api-server.ts'
import { type JsonObject, objectOr, objectsOf, stringMap, stringOr } from '../../src/core/json/value.ts'
import { type ClusterClient, createClient } from '../../src/edge/cluster/client.ts'
import { kubeconfigConnection } from '../../src/edge/cluster/kubeconfig.ts'
import * as given from '../app/webhook/cluster.ts'
import { call, type Serving } from '../app/webhook/serving.ts'
import { bearer } from './accounts.ts'
import { replica, RESOURCES } from './replicas.ts'
import { until } from './until.ts'

/** Two releases of the chart in one namespace, each with a revision of its own, as helm's server-side apply puts them there. */

const SYSTEM = 'sluice-system'
const REVISIONS = ['default', 'canary'] as const
type Revision = (typeof REVISIONS)[number]
const suffix = (revision: Revision): string => (revision === 'default' ? '' : `-${revision}`)
const CONFIG_MAPS = { group: '', version: 'v1', plural: 'configmaps' }

let api: ApiServer
let admin: ClusterClient
before(async () => {
  api = await startApiServer()
  admin = createClient(await kubeconfigConnection({ file: api.kubeconfig }), { timeoutMs: 60_000 })
  for (const name of ['istio-system', SYSTEM]) await createNamespace(api, name)
  await createNamespace(api, 'of-default', { 'istio-injection': 'enabled' })
  await createNamespace(api, 'of-canary', { 'istio.io/rev': 'canary' })
  for (const revision of REVISIONS)
    for (const { metadata, data } of given.cluster().filter(({ kind }) => kind === 'ConfigMap')) {
      const name = `${stringOr(objectOr(metadata)['name']) ?? ''}${suffix(revision)}`
      await apply([given.configMap('istio-system', name, stringMap(data))])
    }
})
after(async () => await api.stop())

function rendered(revision: Revision, ...sets: readonly string[]): readonly JsonObject[] {
  const args = [`revision=${revision}`, ...sets].flatMap((value) => ['--set', value])
  const { ok, text } = renderChart(args, SYSTEM)
  assert.ok(ok, text)
  return parseAllDocuments(text).flatMap((document) =>
    document.contents === null ? [] : [document.toJS() as JsonObject],
  )
}

/** As helm 4, Argo CD and Flux do it: what somebody else owns by now is a conflict, and fails. */
async function apply(objects: readonly JsonObject[], ...more: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await api.kubectl(
    ['apply', '--server-side', '--field-manager=helm', '-f', '-', ...more],
    JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
  )
  assert.equal(code, 0, stderr)
  return stdout
}

/** The objects, with the webhook's entries pointed at servers on loopback. */
function reaching(objects: readonly JsonObject[], { webhook }: Serving): readonly JsonObject[] {
  const clientConfig = { url: `https://127.0.0.1:${webhook.address.port}/inject` }
  return objects.map((object) =>
    'webhooks' in object
      ? { ...object, webhooks: objectsOf(object['webhooks']).map((entry) => ({ ...entry, clientConfig })) }
      : object,
  )
}

/** A replica as the chart starts it: with the release's own account, Secret and revision. */
async function serve(t: TestContext, revision: Revision): Promise<Serving> {
  const token = await api.kubectl(['create', 'token', `sluice-webhook${suffix(revision)}`, '-n', SYSTEM])
  assert.equal(token.code, 0, token.stderr)
  const connection = bearer(api, token.stdout.trim())
  const secret = { namespace: SYSTEM, name: `sluice-ca${suffix(revision)}` }
  return await replica(t, connection, {
    installation: { revision },
    certificates: { from: 'secret', connection, secret, names: [`127.0.0.1`, `${revision}.svc`] },
  })
}

/** Is it ready, and nothing wrong? */
async function isWell(serving: Serving): Promise<boolean> {
  const { status, text } = await call(serving, '/readyz?verbose')
  return status === 200 && !text.includes('[!]')
}

async function createPod(namespace: string): Promise<JsonObject> {
  const spec = { containers: [{ name: 'a', image: 'registry.example/a:1' }] }
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'asked' }, spec }
  return await admin.create({ resource: RESOURCES.pod, namespace }, pod)
}

/** Each object and the version of it that is there: what is not written keeps it. */
async function state(objects: readonly JsonObject[]): Promise<readonly string[]> {
  const { code, stdout, stderr } = await api.kubectl(
    [
      'get',
      '-o',
      'jsonpath={range .items[*]}{.kind} {.metadata.name} {.metadata.resourceVersion}{"\\n"}{end}',
      '-f',
      '-',
    ],
    JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
  )
  assert.equal(code, 0, stderr)
  return stdout.trim().split('\n')
}

test('two revisions side by side: nothing is shared by accident, each decides about its own pods', async (t) => {
  const objects = { default: rendered('default'), canary: rendered('canary') }
  const names = Object.values(objects).map((all) =>
    all.map(({ kind, metadata }) =>
      JSON.stringify([kind, objectOr(metadata)['namespace'], objectOr(metadata)['name']]),
    ),
  )
  assert.ok(names.every((each) => each.length > 15))
  assert.deepEqual(
    names[1]?.filter((name) => names[0]?.includes(name) === true),
    [],
  )
  for (const revision of REVISIONS) await apply(objects[revision].filter((object) => !('webhooks' in object)))
  const serving = { default: await serve(t, 'default'), canary: await serve(t, 'canary') }
  for (const revision of REVISIONS) await apply(reaching(objects[revision], serving[revision]))
  for (const revision of REVISIONS) await until(async () => await isWell(serving[revision]), serving[revision].logged)
  for (const revision of REVISIONS) {
    const pod = await createPod(`of-${revision}`)
    const { annotations } = objectOr(pod['metadata'])
    const status: unknown = JSON.parse(stringOr(objectOr(annotations)['sidecar.istio.io/status']) ?? '{}')
    assert.equal(objectOr(status)['revision'], revision)
  }
  const { data } = await admin.get({ resource: CONFIG_MAPS, namespace: SYSTEM, name: 'sluice-policy' })
  const told = Object.keys(objectOr(data)).map((key) => key.split('.').slice(0, 2).join('.'))
  assert.deepEqual([...new Set(told)].sort(), ['guard.canary', 'guard.default', 'policy'])

  // what was applied is applied again, with everything there by now that a controller writes
  for (const revision of REVISIONS) {
    const all = reaching(objects[revision], serving[revision])
    const before = await state(all)
    await apply(all)
    assert.deepEqual(
      (await state(all)).filter((object) => !before.includes(object)),
      [],
    )
  }
  for (const revision of REVISIONS) assert.ok(await isWell(serving[revision]))
})

test('with everything switched on, the API server takes every object of the chart', async () => {
  await apply(OPERATORS.map(([group, plural, kind, version]) => definition(group, plural, kind, version)))
  const names = OPERATORS.map(([group, plural]) => `crd/${plural}.${group}`)
  assert.equal((await api.kubectl(['wait', '--for=condition=Established', '--timeout=60s', ...names])).code, 0)
  const on = ['serviceMonitor', 'prometheusRule', 'dashboard', 'certManager', 'webhook.autoscaling']
  const sets = [...on.map((value) => `${value}.enabled=true`), 'cni.resourceQuotas.enabled=true', 'global.platform=aks']
  const objects = rendered('default', ...sets)
  const kinds = new Set(objects.map(({ kind }) => kind))
  for (const [, , kind] of OPERATORS) assert.ok(kinds.has(kind), kind)
  const said = await apply(objects, '--dry-run=server')
  assert.equal(said.trim().split('\n').length, objects.length)
})

/** Kinds of others that the chart makes objects of. */
const OPERATORS = [
  ['monitoring.coreos.com', 'servicemonitors', 'ServiceMonitor', 'v1'],
  ['monitoring.coreos.com', 'podmonitors', 'PodMonitor', 'v1'],
  ['monitoring.coreos.com', 'prometheusrules', 'PrometheusRule', 'v1'],
  ['cert-manager.io', 'issuers', 'Issuer', 'v1'],
  ['cert-manager.io', 'certificates', 'Certificate', 'v1'],
] as const

function definition(group: string, plural: string, kind: string, name: string): JsonObject {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }
  const versions = [{ name, served: true, storage: true, schema }]
  return {
    ...{ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' },
    metadata: { name: `${plural}.${group}` },
    spec: { group, scope: 'Namespaced', names: { plural, kind }, versions },
  }
}
