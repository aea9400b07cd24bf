import assert from 'node:assert/strict'
import { connect, type TLSSocket } from 'node:tls'
import { once } from 'node:events'
import { test } from 'node:test'
import fastJsonPatch, { type Operation } from 'fast-json-patch'
import type { Facts } from '../../../src/core/decision/facts.ts'
import type { Outcome } from '../../../src/core/explain/outcome.ts'
import { DEFAULT_LIMITS } from '../../../src/app/webhook/limits.ts'
import { isObject, objectOr, type JsonObject } from '../../../src/core/json/value.ts'
import { cluster, node, pod, review, UID } from './cluster.ts'
import { call, metricsOf, post, responseOf, serve, type Answer } from './serving.ts'

function patchOf(answer: Answer): readonly Operation[] {
  return JSON.parse(Buffer.from(responseOf(answer).patch ?? '', 'base64').toString()) as Operation[]
}

function patchedPod(original: JsonObject, answer: Answer): JsonObject {
  const { newDocument } = fastJsonPatch.applyPatch(structuredClone(original), patchOf(answer), true)
  assert.ok(isObject(newDocument))
  return newDocument
}

test('a pod of an ambient namespace is answered by a patch that applies; what nobody knows survives', async (t) => {
  const serving = await serve(t)
  const answer = await post(serving, review(pod(), 'ambient'))
  assert.equal(answer.status, 200)
  assert.match(answer.headers['content-type'] ?? '', /^application\/json/)
  const response = responseOf(answer)
  assert.deepEqual([response.uid, response.allowed, response.patchType], [UID, true, 'JSONPatch'])
  assert.equal(response.auditAnnotations?.['mode'], 'ambient')
  const made = patchedPod(pod(), answer)
  assert.equal(objectOr(objectOr(made['metadata'])['annotations'])['sluice-mesh.io/decided'], 'ambient')
  assert.deepEqual(made['spec'], pod()['spec'])
})

test('a pod that opted out is allowed untouched', async (t) => {
  const serving = await serve(t)
  const out = pod({ metadata: { labels: { 'sidecar.istio.io/inject': 'false' } } })
  const response = responseOf(await post(serving, review(out)))
  assert.equal(response.allowed, true)
  assert.equal(response.patch, undefined)
  assert.equal(response.auditAnnotations?.['mode'], 'none')
})

test('a pod that cannot get what it asks for is refused with every reason and what to do', async (t) => {
  const objects = [...cluster().filter(({ kind }) => kind !== 'Node'), node('node-1', [])]
  const serving = await serve(t, { facts: { from: 'objects', objects } })
  const wished = pod({ metadata: { labels: { 'sluice-mesh.io/mode': 'ambient' } } })
  const response = responseOf(await post(serving, review(wished, 'ambient')))
  assert.equal(response.allowed, false)
  assert.deepEqual([response.status?.code, response.status?.reason], [403, 'Forbidden'])
  assert.match(response.status?.message ?? '', /^sluice: wish_impossible.*; to do: /)
  assert.equal(response.patch, undefined)
})

test('a review of v1beta1 is answered in kind', async (t) => {
  const serving = await serve(t)
  const { text } = await post(serving, { ...review(pod()), apiVersion: 'admission.k8s.io/v1beta1' })
  const answer = JSON.parse(text) as { readonly apiVersion: string; readonly kind: string }
  assert.deepEqual([answer.apiVersion, answer.kind], ['admission.k8s.io/v1beta1', 'AdmissionReview'])
})

test('anything but the creation of a pod is allowed untouched', async (t) => {
  const serving = await serve(t)
  const deployment = { group: 'apps', version: 'v1', kind: 'Deployment' }
  const others: readonly JsonObject[] = [
    { operation: 'UPDATE' },
    { operation: 'DELETE', object: null },
    { operation: 'CONNECT', object: { kind: 'PodExecOptions' } },
    { kind: deployment, resource: { group: 'apps', version: 'v1', resource: 'deployments' } },
    { subResource: 'ephemeralcontainers' },
    { kind: { group: '', version: 'v1', kind: 'Binding' } },
    { resource: { group: '', version: 'v1', resource: 'replicationcontrollers' } },
  ]
  for (const over of others)
    assert.deepEqual(responseOf(await post(serving, review(pod(), 'mesh', over))), { uid: UID, allowed: true })
})

const APPS = { group: 'apps', version: 'v1', kind: 'Deployment' }
const OF_DEPLOYMENTS = { kind: APPS, resource: { group: 'apps', version: 'v1', resource: 'deployments' } }
const DEPLOYMENT: JsonObject = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: { template: pod() },
}

test('a dry run of a workload is told what would become of its pods, and never patched', async (t) => {
  const serving = await serve(t)
  for (const operation of ['CREATE', 'UPDATE']) {
    const asked = review(DEPLOYMENT, 'mesh', { ...OF_DEPLOYMENTS, operation, dryRun: true })
    const response = responseOf(await post(serving, asked))
    assert.deepEqual([response.allowed, response.patch, response.patchType], [true, undefined, undefined])
    assert.match(response.warnings?.[0] ?? '', /^sluice: mode cni: cni_first: /)
  }
  const metrics = await metricsOf(serving)
  assert.match(metrics, /^sluice_admission_explanations_total\{decision="meshed",reason="cni_first"\} 2$/m)
  assert.doesNotMatch(metrics, /^sluice_admission_decisions_total\{/m)
  const [line] = serving.lines().filter(({ msg }) => msg === 'explained')
  assert.deepEqual([line?.['kind'], line?.['name'], line?.['mode']], ['Deployment', 'web', 'cni'])
})

test('a workload whose pods would be refused is let in, and its dry run says so', async (t) => {
  const wished = pod({ metadata: { labels: { 'sluice-mesh.io/mode': 'sidecar' } } })
  const asked = { ...DEPLOYMENT, spec: { template: wished } }
  const serving = await serve(t)
  const response = responseOf(await post(serving, review(asked, 'mesh', { ...OF_DEPLOYMENTS, dryRun: true })))
  assert.equal(response.allowed, true)
  assert.match(response.warnings?.[0] ?? '', /^sluice: refused: wish_unknown: /)
})

test('nothing is said about a workload that is really written, one without a template, and a kind that is not asked about', async (t) => {
  const serving = await serve(t)
  const others: readonly JsonObject[] = [
    { ...OF_DEPLOYMENTS },
    { ...OF_DEPLOYMENTS, dryRun: true, subResource: 'status' },
    { ...OF_DEPLOYMENTS, dryRun: true, object: { kind: 'Deployment', spec: {} } },
    { ...OF_DEPLOYMENTS, dryRun: true, kind: { group: 'example.com', version: 'v1', kind: 'Deployment' } },
  ]
  for (const over of others)
    assert.deepEqual(responseOf(await post(serving, review(DEPLOYMENT, 'mesh', over))), { uid: UID, allowed: true })
})

test("the environment in Istio's longer path reaches the decision, its escapes decoded", async (t) => {
  const seen: Readonly<Record<string, string>>[] = []
  const decide = (facts: Facts): Outcome => {
    seen.push(facts.pathEnv)
    return GRANTED(facts)
  }
  const serving = await serve(t, {}, { decide })
  await post(serving, review(pod()), { path: '/inject/cluster/c%201/net/n1' })
  await post(serving, review(pod()), { path: '/inject' })
  assert.deepEqual(seen, [{ ISTIO_META_CLUSTER_ID: 'c 1', ISTIO_META_NETWORK: 'n1' }, {}])
})

/** a decision that grants NET_ADMIN to one container */
const GRANTED = ({ pod }: Facts): Outcome => ({
  decision: {
    is: 'meshed',
    mode: 'init',
    reason: { code: 'init_last_resort', args: { by: 'x' } },
    by: { place: 'policy', text: 'x' },
    rejected: [{ mode: 'cni', reason: { code: 'host_network', args: {} } }],
    warnings: [],
  },
  pod,
  warnings: [],
  netAdmin: [{ container: 'istio-init' }],
})

test('a dry run is told the decision as warnings, and counts as no grant', async (t) => {
  const serving = await serve(t, {}, { decide: GRANTED })
  const dry = responseOf(await post(serving, review(pod(), 'mesh', { dryRun: true })))
  assert.ok((dry.warnings ?? []).some((warning) => warning.includes('init_last_resort')))
  const before = await metricsOf(serving)
  const decisions = 'sluice_admission_decisions_total{decision="meshed",mode="init",reason="init_last_resort",dry_run='
  assert.doesNotMatch(before, /^sluice_net_admin_grants_total\{/m)
  assert.ok(before.includes(`${decisions}"true"} 1`))
  const real = responseOf(await post(serving, review(pod())))
  assert.equal(real.warnings, undefined)
  assert.equal(real.auditAnnotations?.['net-admin'], 'istio-init')
  const after = await metricsOf(serving)
  assert.match(after, /^sluice_net_admin_grants_total\{reason="init_last_resort"\} 1$/m)
  assert.match(after, /^sluice_admission_rejected_modes_total\{mode="cni",reason="host_network",dry_run="false"\} 1$/m)
  assert.ok(after.includes(`${decisions}"false"} 1`))
})

const REFUSALS: readonly {
  readonly name: string
  readonly body?: JsonObject | string | Buffer
  readonly headers?: Readonly<Record<string, string>>
  readonly status: number
  readonly says: RegExp
}[] = [
  { name: 'no body', body: '', status: 400, says: /^the body is empty/ },
  { name: 'half a body', body: '{', status: 400, says: /^the body is not JSON/ },
  {
    name: 'bytes that are no UTF-8',
    body: Buffer.from([0x22, 0xff, 0x22]),
    status: 400,
    says: /^the body is not UTF-8/,
  },
  {
    name: 'a key held twice',
    body: '{"kind":"a","kind":"b"}',
    status: 400,
    says: /^the body holds the key "kind" twice/,
  },
  { name: 'a body too deep', body: '['.repeat(5000), status: 400, says: /^the body is nested more than/ },
  {
    name: 'no request',
    body: { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' },
    status: 400,
    says: /^request must be an object/,
  },
  {
    name: 'no object',
    body: review(pod(), 'mesh', { object: null }),
    status: 400,
    says: /^request\.object must be the Pod/,
  },
  {
    name: 'no namespace',
    body: review(pod(), 'mesh', { namespace: '' }),
    status: 400,
    says: /^request\.namespace must name/,
  },
  {
    name: 'another version',
    body: { ...review(pod()), apiVersion: 'admission.k8s.io/v2' },
    status: 400,
    says: /^apiVersion must be/,
  },
  { name: 'no content type', headers: {}, status: 415, says: /^Content-Type must be application\/json; there is none/ },
  { name: 'another content type', headers: { 'content-type': 'text/json' }, status: 415, says: /not "text\/json"/ },
  {
    name: 'another charset',
    headers: { 'content-type': 'application/json; charset=latin1' },
    status: 415,
    says: /^Content-Type must be/,
  },
  {
    name: 'a namespace not seen yet',
    body: review(pod(), 'brand-new'),
    status: 503,
    says: /^namespace brand-new is not known yet/,
  },
]

for (const { name, body = review(pod()), headers, status, says } of REFUSALS)
  test(`a request with ${name} is answered by ${status} and one sentence`, async (t) => {
    const serving = await serve(t)
    const answer = await post(serving, body, headers && { headers })
    assert.equal(answer.status, status)
    assert.match(answer.text, says)
    assert.equal(answer.headers['retry-after'], status === 503 ? '1' : undefined)
    assert.match(await metricsOf(serving), /^sluice_admission_failures_total\{cause="[a-z_]+"\} 1$/m)
  })

for (const type of [
  'application/json',
  'Application/JSON',
  'application/json; charset=utf-8',
  'application/json;charset="UTF-8"',
])
  test(`the content type ${type} is accepted`, async (t) => {
    assert.equal((await post(await serve(t), review(pod()), { headers: { 'content-type': type } })).status, 200)
  })

test('a body over the limit is refused by its length alone, or as soon as it has come too far', async (t) => {
  const serving = await serve(t, { limits: { bodyBytes: 5000 } })
  const large = review(pod({ metadata: { annotations: { large: 'x'.repeat(6000) } } }))
  const announced = await post(serving, large)
  assert.equal(announced.status, 413)
  assert.match(announced.text, /larger than the limit of 5000 bytes/)
  const headers = { 'content-type': 'application/json', 'transfer-encoding': 'chunked' }
  const streamed = await post(serving, large, { headers })
  assert.equal(streamed.status, 413)
  assert.match(streamed.text, /larger than the limit of 5000 bytes/)
  assert.equal((await post(serving, review(pod()))).status, 200)
})

test('the limit of the body holds two objects of the largest size and the rest', () =>
  assert.ok(DEFAULT_LIMITS.bodyBytes > 2 * 3 * 1024 * 1024))

test('what is not served is told so', async (t) => {
  const serving = await serve(t)
  assert.equal((await call(serving, '/')).status, 404)
  assert.equal((await call(serving, '/inject')).status, 404)
  assert.equal((await call(serving, '/metrics')).status, 404)
  assert.equal((await post(serving, review(pod()), { path: '/inject/%zz' })).status, 400)
})

test('a fault of the webhook itself is caught, counted, logged with its stack and left to the failurePolicy', async (t) => {
  const serving = await serve(
    t,
    {},
    {
      decide: () => {
        throw new TypeError('planted')
      },
    },
  )
  const answer = await post(serving, review(pod()))
  assert.equal(answer.status, 500)
  assert.doesNotMatch(answer.text, /planted/)
  assert.match(await metricsOf(serving), /^sluice_admission_failures_total\{cause="internal"\} 1$/m)
  const line = serving.lines().find(({ level }) => level === 'error')
  assert.match(JSON.stringify(line), /planted.*webhook\.test/)
  assert.equal((await post(serving, review(pod(), 'mesh', { operation: 'UPDATE' }))).status, 200)
})

test('each decision is one line: who, what, why; never a value of an environment variable', async (t) => {
  const serving = await serve(t)
  await post(serving, review(pod(), 'ambient'))
  const lines = serving.lines().filter(({ msg }) => msg === 'decided')
  assert.equal(lines.length, 1)
  const { uid, namespace, name, mode, dryRun } = lines[0] ?? {}
  assert.deepEqual(
    { uid, namespace, name, mode, dryRun },
    { uid: UID, namespace: 'ambient', name: 'web-7d4b9c6f5d-*', mode: 'ambient', dryRun: false },
  )
  assert.doesNotMatch(serving.logged(), /hunter2/)
})

test("Istio's metrics count what Istio's count", async (t) => {
  const serving = await serve(t)
  await post(serving, review(pod(), 'ambient'))
  await post(serving, review(pod({ spec: { hostNetwork: true } })))
  await post(serving, '{')
  const text = await metricsOf(serving)
  const count = (name: string): string | undefined => new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1]
  assert.deepEqual(
    ['requests_total', 'success_total', 'failure_total', 'skip_total', 'time_seconds_count'].map((name) =>
      count(`sidecar_injection_${name}`),
    ),
    ['3', '2', '1', '1', '2'],
  )
  assert.match(text, /^sluice_certificate_not_after_seconds [1-9]\d+$/m)
})

function tls(port: number, ca: string, over: object = {}): TLSSocket {
  return connect({ host: '127.0.0.1', port, ca, ALPNProtocols: ['h2', 'http/1.1'], ...over })
}

test('TLS is 1.2 or newer, and HTTP/1.1 is all that is offered', async (t) => {
  const { webhook } = await serve(t)
  const { port } = webhook.address
  const socket = tls(port, webhook.ca())
  await once(socket, 'secureConnect')
  assert.deepEqual([socket.alpnProtocol, socket.getProtocol(), socket.authorized], ['http/1.1', 'TLSv1.3', true])
  socket.destroy()
  const older = tls(port, webhook.ca(), { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' })
  await once(older, 'secureConnect')
  older.destroy()
  const tooOld = tls(port, webhook.ca(), { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1' })
  await assert.rejects(once(tooOld, 'secureConnect'))
})

test('liveness says ok; readiness names each check when asked', async (t) => {
  const serving = await serve(t)
  assert.deepEqual([(await call(serving, '/healthz')).text, (await call(serving, '/readyz')).text], ['ok\n', 'ok\n'])
  const { text } = await call(serving, '/readyz?verbose')
  assert.deepEqual(
    text.split('\n').map((line) => line.split(':')[0]),
    ['[+]running ok', '[+]certificate ok', '[+]synced ok', 'ok', ''],
  )
})
