import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type JsonObject, objectOr, stringMap, stringOr } from '../../src/core/json/value.ts'
import type { Target } from '../../src/edge/cluster/resource.ts'
import * as given from '../app/webhook/cluster.ts'
import { call, metricsOf, type Serving } from '../app/webhook/serving.ts'
import { type ApiProxy, startApiProxy } from './api-proxy.ts'
import * as cluster from './replicas.ts'
import { until } from './until.ts'

const NODES = Array.from({ length: 20 }, (_, at) => `node-${at}`)

let installed: cluster.Installed
let proxy: ApiProxy
before(async () => {
  installed = await cluster.install()
  proxy = await startApiProxy(installed.api)
  await cluster.createReadyNodes(installed, NODES)
  await cluster.eachOf(NODES, async (node) => await cluster.createAgentPod(installed, node, { ready: true }))
})
after(async () => {
  await proxy.stop()
  await installed.stop()
})

const logged = (serving: Serving) => (): string => serving.logged().slice(-2000)
const shows = async (serving: Serving, line: string): Promise<void> =>
  await until(async () => (await metricsOf(serving)).includes(line), logged(serving))

interface Asked {
  readonly name: string
  readonly namespace?: string
  readonly owner?: string
  readonly node?: string
  readonly spec?: JsonObject
}

/** A running pod whose agent asks for its eviction. */
async function ask({
  name,
  namespace = 'mesh',
  owner = 'ReplicaSet',
  node = 'node-0',
  spec = {},
}: Asked): Promise<Target> {
  const ownerReferences =
    owner === '' ? [] : [{ apiVersion: 'apps/v1', kind: owner, name: 'web', uid: 'c1b2', controller: true }]
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: name }, ownerReferences },
    spec: { nodeName: node, containers: [{ name: 'a', image: 'registry.example/a:1' }], ...spec },
  }
  await installed.admin.create({ resource: cluster.RESOURCES.pod, namespace }, pod)
  const target = { resource: cluster.RESOURCES.pod, namespace, name }
  const condition = { type: 'sluice-mesh.io/evict', status: 'True', reason: 'pod_evicted', message: 'x' }
  const status = { phase: 'Running', conditions: [condition] }
  await installed.admin.patch({ ...target, subresource: 'status' }, 'merge', { status })
  return target
}

async function isGone(target: Target): Promise<boolean> {
  const pod = await installed.admin.get(target).catch(() => undefined)
  return pod === undefined || objectOr(pod['metadata'])['deletionTimestamp'] !== undefined
}

test('what agents ask for is evicted once, with an event; what nobody would make anew, or is never meshed, is refused by name', async (t) => {
  const refused: readonly (Asked & { readonly why: string })[] = [
    { name: 'bare', owner: '', why: 'no controller would make another one' },
    { name: 'once', spec: { restartPolicy: 'Never' }, why: 'it runs once' },
    { name: 'host', spec: { hostNetwork: true }, why: 'it uses the node network' },
    { name: 'system', namespace: 'kube-system', why: 'its namespace is never meshed' },
    { name: 'own', namespace: 'sluice-system', why: 'Sluice itself runs in its namespace' },
    { name: 'lost', spec: { nodeName: 'node-without-agent' }, why: 'no agent of node node-without-agent is there' },
  ]
  await installed.api.kubectl(['create', 'serviceaccount', 'default', '-n', 'kube-system'])
  const left = await Promise.all(refused.map(ask))
  const evicted = await Promise.all([
    ask({ name: 'web' }),
    ask({ name: 'job', owner: 'Job', spec: { restartPolicy: 'Never' } }),
  ])
  const serving = await installed.replica(t)
  await until(async () => (await Promise.all(evicted.map(isGone))).every(Boolean), logged(serving))
  let text = ''
  const told = async (): Promise<boolean> => {
    text = (await call(serving, '/readyz?verbose')).text
    return refused.every(({ name, why }) => text.includes(`/${name} (pod_evicted), which is refused: ${why}`))
  }
  await until(told, () => text)
  assert.deepEqual(
    await Promise.all(left.map(isGone)),
    left.map(() => false),
  )
  await shows(serving, 'sluice_evictions_total{reason="pod_evicted"} 2')
  await shows(serving, 'sluice_leader_writes_total{what="event",result="done"} 2')
  const { items } = await installed.admin.list({ resource: cluster.RESOURCES.event, namespace: 'mesh' })
  const events = items.map(({ reason, note, regarding }) => JSON.stringify([reason, note, objectOr(regarding)['name']]))
  assert.equal(events.length, 2)
  assert.match(
    events.sort()[0] ?? '',
    /^\["pod_evicted","the pod was evicted, since the agent of node node-0 .*","(job|web)"\]$/,
  )
})

test('a disruption budget is kept, and so is the budget of the policy', async (t) => {
  const budget = {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: 'held', namespace: 'mesh' },
    spec: { maxUnavailable: 0, selector: { matchLabels: { app: 'held' } } },
  }
  const policy = given.configMap('sluice-system', 'sluice-policy', { policy: 'repair: { evictionsPerMinute: 2 }' })
  await installed.apply(budget, policy)
  const held = await ask({ name: 'held' })
  const serving = await installed.replica(t)
  await until(
    async () => /writes_total\{what="eviction",result="refused"\} [1-9]/.test(await metricsOf(serving)),
    logged(serving),
  )
  assert.equal(await isGone(held), false)
  const asked = await Promise.all(['a', 'b', 'c', 'd'].map(async (name) => await ask({ name })))
  await shows(serving, 'sluice_evictions_total{reason="pod_evicted"} 2')
  // what is told of a later one shows that another turn has passed
  await ask({ name: 'later', owner: '' })
  await until(
    async () => (await call(serving, '/readyz?verbose')).text.includes('mesh/later (pod_evicted), which is refused'),
    logged(serving),
  )
  const gone = await Promise.all([held, ...asked].map(isGone))
  assert.deepEqual([gone[0], gone.filter(Boolean).length], [false, 2])
  await installed.apply(given.configMap('sluice-system', 'sluice-policy', { policy: '{}' }))
})

test('a node that asks for many evictions leaves its share of the budget to the others', async (t) => {
  const policy = given.configMap('sluice-system', 'sluice-policy', { policy: 'repair: { evictionsPerMinute: 2 }' })
  await installed.apply(policy)
  const many = []
  for (const name of ['many-a', 'many-b', 'many-c', 'many-d']) many.push(await ask({ name }))
  const one = await ask({ name: 'one', node: 'node-1' })
  const serving = await installed.replica(t)
  await shows(serving, 'sluice_evictions_total{reason="pod_evicted"} 2')
  assert.equal(await isGone(one), true)
  await installed.apply(given.configMap('sluice-system', 'sluice-policy', { policy: '{}' }))
})

test('a leader that hears nothing from the API server has stopped before another one begins', async (t) => {
  const connection = proxy.connection
  const cut = await installed.replica(t, {
    facts: { from: 'cluster', connection, watch: {}, leader: { leads: true, name: 'cut', limits: cluster.LIMITS } },
  })
  await shows(cut, 'sluice_leader{lease="sluice-leader"} 1')
  const other = await installed.replica(t)
  await proxy.refuse()
  await shows(other, 'sluice_leader{lease="sluice-leader"} 1')
  assert.match(await metricsOf(cut), /sluice_leader\{lease="sluice-leader"\} 0/)
  await proxy.accept()
  const lease = { resource: cluster.RESOURCES.lease, namespace: 'sluice-system', name: 'sluice-leader' }
  const spec = objectOr((await installed.admin.get(lease))['spec'])
  assert.match(stringOr(spec['holderIdentity']) ?? '', /^replica_/)
})

test('webhook and 20 agents are rolled at once while 500 pods are created: no NET_ADMIN, no denial', async (t) => {
  const first = await installed.replica(t)
  await shows(first, 'sluice_nodes{mode="cni",state="able"} 20')
  let target = first
  await cluster.register(installed, first)
  const created = async (
    prefix: string,
  ): Promise<{ readonly decided: string | undefined; readonly netAdmin: boolean }> => {
    const spec = { containers: [{ name: 'a', image: 'registry.example/a:1' }] }
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { generateName: `${prefix}-` }, spec }
    const made = await installed.admin.create({ resource: cluster.RESOURCES.pod, namespace: 'mesh' }, pod)
    const annotations = stringMap(objectOr(made['metadata'])['annotations'])
    return { decided: annotations['sluice-mesh.io/decided'], netAdmin: JSON.stringify(made).includes('NET_ADMIN') }
  }
  await until(async () => (await created('probe')).decided !== undefined, logged(first))
  const roll = async (): Promise<void> => {
    await cluster.eachOf(NODES, async (node) => {
      await cluster.removePod(installed, `sluice-agent-${node}`)
      await cluster.createAgentPod(installed, node, { ready: false })
    })
    const next = await installed.replica(t)
    await until(async () => (await call(next, '/readyz')).status === 200, logged(next))
    await cluster.register(installed, next)
    target = next
    await cluster.eachOf(
      NODES,
      async (node) => await cluster.reportAgent(installed, `sluice-agent-${node}`, { ready: true }),
    )
  }
  const rolling = roll()
  const answers: Awaited<ReturnType<typeof created>>[] = []
  await cluster.eachOf(
    Array.from({ length: 500 }, (_, at) => at),
    async () => void answers.push(await created('load')),
  )
  await rolling
  assert.deepEqual([...new Set(answers.map(({ decided }) => decided))], ['cni'])
  assert.equal(answers.filter(({ netAdmin }) => netAdmin).length, 0)
  assert.equal(answers.length, 500)
  assert.notEqual(target, first)
})
