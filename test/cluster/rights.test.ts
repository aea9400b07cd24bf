import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test, type TestContext } from 'node:test'
import { NodePods } from '../../src/app/agent/node-pods.ts'
import { PodConditions } from '../../src/app/agent/verify/pod-conditions.ts'
import { objectOr, stringOr } from '../../src/core/json/value.ts'
import { evictionEventName } from '../../src/core/repair/eviction.ts'
import { AGENT_RIGHTS, type Right, WEBHOOK_RIGHTS } from '../../src/core/vocabulary/rights.ts'
import { createClient } from '../../src/edge/cluster/client.ts'
import type { Connection } from '../../src/edge/cluster/connection.ts'
import type { Target } from '../../src/edge/cluster/resource.ts'
import { call, metricsOf, type Serving } from '../app/webhook/serving.ts'
import { accountWith, eachVerb, type Lost, may, without } from './accounts.ts'
import { type ApiProxy, startApiProxy } from './api-proxy.ts'
import * as cluster from './replicas.ts'
import { until } from './until.ts'

/** Each right of the two accounts is needed: without it something that Sluice does, and only that, does not work. */

/** What a right is for: what the program says when it cannot do it. */
type Duty =
  | { readonly is: 'follows'; readonly kind: string; readonly needed?: boolean }
  | { readonly is: 'writes'; readonly what: string }
  | { readonly is: 'leads' }
  | { readonly is: 'serves' }

const follows = (kind: string): Duty => ({ is: 'follows', kind })
const needs = (kind: string): Duty => ({ is: 'follows', kind, needed: true })
const writes = (what: string): Duty => ({ is: 'writes', what })

const DUTIES: Readonly<Record<string, Duty>> = {
  'cluster namespaces list,watch': needs('Namespace'),
  'cluster nodes list,watch': needs('Node'),
  'cluster daemonsets list,watch': needs('DaemonSet'),
  'cluster proxyconfigs list,watch': needs('ProxyConfig'),
  'istio configmaps list,watch': needs('ConfigMap'),
  'sluice configmaps list,watch': needs('ConfigMap'),
  'cluster mutatingwebhookconfigurations list,watch': follows('MutatingWebhookConfiguration'),
  'cluster validatingwebhookconfigurations list,watch': follows('ValidatingWebhookConfiguration'),
  'cluster pods list,watch': follows('Pod'),
  'sluice secrets get,patch': { is: 'serves' },
  'sluice secrets create': { is: 'serves' },
  'sluice leases get,update': { is: 'leads' },
  'sluice leases create': { is: 'leads' },
  'sluice configmaps patch': writes('guard_keys'),
  'cluster nodes get,patch': writes('node'),
  'cluster mutatingwebhookconfigurations patch': writes('ca_bundle'),
  'cluster validatingwebhookconfigurations patch': writes('ca_bundle'),
  'cluster pods/eviction create': writes('eviction'),
  'cluster events create,get,patch': writes('event'),
}

const SYSTEM = 'sluice-system'
const SECRET = { resource: cluster.RESOURCES.secret, namespace: SYSTEM, name: 'sluice-ca' }
const POLICY = {
  resource: { group: '', version: 'v1', plural: 'configmaps' },
  namespace: SYSTEM,
  name: 'sluice-policy',
}
const LEASES = ['sluice-leader', 'sluice-leader-registration'] as const

let installed: cluster.Installed
/** An API server as they were before it could list within a watch, which is what the right to list is for. */
let older: ApiProxy
before(async () => {
  installed = await cluster.install()
  older = await startApiProxy(installed.api)
  older.trick = (url) => (url.searchParams.has('sendInitialEvents') ? { answer: 422 } : undefined)
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }
  await installed.apply(
    {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'proxyconfigs.networking.istio.io' },
      spec: {
        group: 'networking.istio.io',
        scope: 'Namespaced',
        names: { plural: 'proxyconfigs', kind: 'ProxyConfig' },
        versions: [{ name: 'v1beta1', served: true, storage: true, schema }],
      },
    },
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'plain' } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: 'plain' } },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: POLICY.name, namespace: SYSTEM }, data: { policy: '{}' } },
  )
  const crd = ['crd/proxyconfigs.networking.istio.io', '--for=condition=Established', '--timeout=60s']
  assert.equal((await installed.api.kubectl(['wait', ...crd])).code, 0)
  await cluster.registerAt(installed, 'https://127.0.0.1:1/inject')
})
after(async () => {
  await older.stop()
  await installed.stop()
})

const reaching = (connection: Connection, { verb }: Lost): Connection =>
  verb === 'list' ? { ...connection, server: older.connection.server } : connection

/** Leaves something to do for everything that a leader writes. */
async function offerWork(name: string): Promise<void> {
  const { admin } = installed
  await cluster.createReadyNodes(installed, [name])
  const taints = [{ key: 'sluice-mesh.io/not-ready', effect: 'NoSchedule' }]
  await admin.patch({ resource: cluster.RESOURCES.node, name }, 'merge', { spec: { taints } })
  await cluster.createAgentPod(installed, name, { ready: true })
  const { data } = await admin.get(POLICY)
  const nothing = Object.fromEntries(Object.keys(objectOr(data)).map((key) => [key, key === 'policy' ? '{}' : null]))
  await admin.patch(POLICY, 'merge', { data: nothing })
  for (const [, resource, configuration] of cluster.CONFIGURATIONS) {
    const path = '/webhooks/0/clientConfig/caBundle'
    const emptied = [
      { op: 'add', path, value: Buffer.from(installed.api.ca).toString('base64') },
      { op: 'remove', path },
    ]
    await admin.patch({ resource, name: configuration }, 'json', emptied)
  }
  await askForEviction(name)
}

/** A pod that is to be evicted, of which somebody told the same already. */
async function askForEviction(node: string): Promise<void> {
  const { admin } = installed
  const name = `of-${node}`
  const pods = { resource: cluster.RESOURCES.pod, namespace: 'plain' }
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'c1b2', controller: true }
  const { metadata } = await admin.create(pods, {
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name, ownerReferences: [owner] } },
    spec: { nodeName: node, containers: [{ name: 'a', image: 'registry.example/a:1' }] },
  })
  const { uid } = objectOr(metadata)
  const regarding = { apiVersion: 'v1', kind: 'Pod', namespace: 'plain', name, uid }
  await admin.create(
    { resource: cluster.RESOURCES.event, namespace: 'plain' },
    {
      ...{ apiVersion: 'events.k8s.io/v1', kind: 'Event', regarding },
      metadata: { name: evictionEventName({ uid: stringOr(uid) ?? '' }) },
      eventTime: '2026-01-01T00:00:00.000000Z',
      ...{ type: 'Warning', reason: 'pod_evicted', action: 'Evict', note: 'before' },
      ...{ reportingController: 'sluice-mesh.io/leader', reportingInstance: 'before' },
    },
  )
  const conditions = [{ type: 'sluice-mesh.io/evict', status: 'True', reason: 'pod_evicted', message: 'x' }]
  await admin.patch({ ...pods, name, subresource: 'status' }, 'merge', { status: { phase: 'Running', conditions } })
}

/** What the right to create something is for happens once: takes away what is there. */
async function undone({ right, verb }: Lost): Promise<void> {
  if (right.resource === 'leases' && verb === 'create')
    for (const lease of LEASES) await installed.api.kubectl(['delete', 'lease', lease, '-n', SYSTEM])
  if (right.resource !== 'secrets' || verb === 'get') return
  await installed.api.kubectl(['delete', 'secret', SECRET.name, '-n', SYSTEM, '--ignore-not-found'])
  const empty = { apiVersion: 'v1', kind: 'Secret', metadata: { name: SECRET.name }, type: 'Opaque' }
  if (verb === 'patch') await installed.admin.create({ resource: SECRET.resource, namespace: SYSTEM }, empty)
}

const keyOf = ({ scope, resource, verbs }: Right): string => `${scope} ${resource} ${verbs.join()}`
const titleOf = ({ right, verb }: Lost): string =>
  `${verb} ${right.resource} (${right.scope}, ${right.names?.[0] ?? 'all'})`
const refusal = ({ right, verb }: Lost): string => `cannot ${verb} resource "${right.resource}"`

/** Does the program say that it cannot do its duty, and why? */
async function isBroken(serving: Serving, lost: Lost, duty: Exclude<Duty, { is: 'serves' }>): Promise<boolean> {
  const said = serving.lines().some((line) => {
    const problem = `${String(line['problem'])} ${String(line['msg'])}`
    const about = duty.is === 'follows' ? line['kind'] === duty.kind : duty.is === 'leads' || line['what'] === duty.what
    return about && problem.includes(refusal(lost))
  })
  if (!said || duty.is !== 'follows' || duty.needed !== true || lost.verb !== 'list') return said
  return (await call(serving, '/readyz')).status === 503
}

test('the table of duties and the table of rights are about the same', () => {
  assert.deepEqual(WEBHOOK_RIGHTS.map(keyOf).sort(), Object.keys(DUTIES).sort())
})

test('with all its rights the webhook does everything, and is refused nothing', async (t) => {
  await offerWork('all')
  const serving = await cluster.replica(t, await accountWith(installed, 'all', WEBHOOK_RIGHTS))
  let metrics = ''
  const done = ['node', 'ca_bundle', 'guard_keys', 'eviction', 'event'].map(
    (what) => `sluice_leader_writes_total{what="${what}",result="done"}`,
  )
  await until(
    async () => {
      metrics = await metricsOf(serving)
      return done.every((line) => metrics.includes(line)) && (await call(serving, '/readyz')).status === 200
    },
    () => ({ metrics: metrics.split('\n').filter((line) => line.includes('leader_writes')), log: serving.logged() }),
  )
  assert.doesNotMatch(serving.logged(), /cannot \w+ resource|"level":50/)
})

for (const [at, lost] of eachVerb(WEBHOOK_RIGHTS).entries())
  test(`the webhook needs: ${titleOf(lost)}`, async (t) => {
    const name = `without-${at}`
    const duty = DUTIES[keyOf(lost.right)]
    assert.ok(duty)
    const [connection] = await Promise.all([
      accountWith(installed, name, without(WEBHOOK_RIGHTS, lost)),
      ...(duty.is === 'writes' ? [offerWork(name)] : []),
      undone(lost),
    ])
    assert.equal(await may(installed, name, lost), false, 'another row grants it, too')
    if (duty.is === 'serves') {
      await assert.rejects(cluster.replica(t, connection), new RegExp(refusal(lost)))
      return
    }
    const serving = await cluster.replica(t, reaching(connection, lost))
    await until(
      async () => await isBroken(serving, lost, duty),
      () => serving.logged().slice(-3000),
    )
  })

for (const [at, lost] of eachVerb(AGENT_RIGHTS).entries())
  test(`the agent needs: ${titleOf(lost)}`, async (t) => {
    const name = `agent-without-${at}`
    const connection = await accountWith(installed, name, without(AGENT_RIGHTS, lost))
    assert.equal(await may(installed, name, lost), false, 'another row grants it, too')
    const problems: string[] = []
    await agentWorks(t, reaching(connection, lost), (problem) => problems.push(problem))
    await until(
      () => problems.some((problem) => problem.includes(refusal(lost))),
      () => problems,
    )
  })

test('with all its rights the agent does everything, and is refused nothing', async (t) => {
  const problems: string[] = []
  const connection = await accountWith(installed, 'agent-all', AGENT_RIGHTS)
  const { pods, pod } = await agentWorks(t, connection, (problem) => problems.push(problem))
  await until(
    async () => {
      const { conditions } = objectOr((await installed.admin.get(pod))['status'])
      return pods.synced && JSON.stringify(conditions).includes('sluice-mesh.io/redirected')
    },
    () => problems,
  )
  assert.deepEqual(problems, [])
})

/** What an agent does with the API: it follows the pods of its node, and tells what it measured of one. */
async function agentWorks(
  t: TestContext,
  connection: Connection,
  report: (problem: string) => void,
): Promise<{ readonly pods: NodePods; readonly pod: Target }> {
  const stop = new AbortController()
  const pod = { resource: cluster.RESOURCES.pod, namespace: 'plain', name: `measured-${randomUUID()}` }
  const { metadata } = await installed.admin.create(
    { resource: pod.resource, namespace: pod.namespace },
    {
      ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: pod.name } },
      spec: { nodeName: 'agents', containers: [{ name: 'a', image: 'registry.example/a:1' }] },
    },
  )
  const pods = new NodePods({
    nodeName: 'agents',
    pods: { from: 'cluster', connection, watch: { firstMs: 20, maxMs: 500 } },
    report: (_kind, { error }) => report(String(error)),
  })
  const conditions = new PodConditions({ client: createClient(connection), report: (error) => report(String(error)) })
  const uid = stringOr(objectOr(metadata)['uid']) ?? ''
  const verdict = { is: 'redirected', measured: [], also: [] } as const
  const now = Date.now()
  const proof = {
    uid,
    namespace: pod.namespace,
    name: pod.name,
    mode: 'cni',
    verdict,
    measuredAt: now,
    since: now,
    ticks: { measured: 0, since: 0 },
  } as const
  conditions.tell(proof, false)
  const running = Promise.all([pods.run(stop.signal), conditions.loop.run(stop.signal)])
  t.after(async () => {
    stop.abort()
    await running
  })
  return { pods, pod }
}
