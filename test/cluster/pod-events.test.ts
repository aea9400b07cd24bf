import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { objectOr, stringOr } from '../../src/core/json/value.ts'
import type { Target } from '../../src/edge/cluster/resource.ts'
import { call, metricsOf, type Serving } from '../app/webhook/serving.ts'
import * as cluster from './replicas.ts'
import { until } from './until.ts'

/** What agents measure, told as events by the leader: its account may write them, that of an agent may not. */
let installed: cluster.Installed
before(async () => {
  installed = await cluster.install()
  await cluster.createReadyNodes(installed, ['node-0'])
  await cluster.createAgentPod(installed, 'node-0', { ready: true })
})
after(async () => await installed.stop())

const MINUTES = 60_000
const logged = (serving: Serving) => (): string => serving.logged().slice(-2000)

async function createPod(
  name: string,
  node = 'node-0',
  over: { metadata?: object; spec?: object } = {},
): Promise<Target> {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, ...over.metadata },
    spec: { nodeName: node, containers: [{ name: 'a', image: 'registry.example/a:1' }], ...over.spec },
  }
  await installed.admin.create({ resource: cluster.RESOURCES.pod, namespace: 'mesh' }, pod)
  return { resource: cluster.RESOURCES.pod, namespace: 'mesh', name }
}

interface Said {
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason: string
  readonly ago: number
}

/** The condition, as the agent of the pod's node writes it. */
async function say(pod: Target, { status, reason, ago }: Said): Promise<void> {
  const lastTransitionTime = new Date(Date.now() - ago).toISOString().replace(/\.\d+Z/, 'Z')
  const condition = {
    type: 'sluice-mesh.io/redirected',
    status,
    reason,
    message: `${reason}, in words`,
    lastTransitionTime,
  }
  const told = { status: { conditions: [condition] } }
  await installed.admin.patch({ ...pod, subresource: 'status' }, 'strategic', told)
}

/** What `kubectl describe` shows of a pod: type, reason, and how often. */
async function events(name: string): Promise<readonly string[]> {
  const { items } = await installed.admin.list({ resource: cluster.RESOURCES.event, namespace: 'mesh' })
  return items
    .filter(({ regarding }) => objectOr(regarding)['name'] === name)
    .map(({ type, reason, series }) => {
      const { count } = objectOr(series)
      return `${stringOr(type) ?? ''} ${stringOr(reason) ?? ''} ${typeof count === 'number' ? count : 1}`
    })
    .sort()
}

async function untilTold(serving: Serving, name: string, ...expected: readonly string[]): Promise<void> {
  await until(async () => (await events(name)).join() === expected.join(), logged(serving))
}

test('what an agent measures is told as an event, counted where it comes again, and so is its end', async (t) => {
  const bad = await createPod('bad')
  const fine = await createPod('fine')
  const raced = await createPod('raced')
  const strange = await createPod('strange', 'node-without-agent')
  const unknown = await createPod('unknown')
  await say(fine, { status: 'True', reason: 'redirection_seen', ago: 0 })
  await say(raced, { status: 'True', reason: 'redirection_restored', ago: 0 })
  await say(strange, { status: 'False', reason: 'redirection_bypassed', ago: 0 })
  await say(bad, { status: 'False', reason: 'redirection_bypassed', ago: 30 * MINUTES })
  await say(unknown, { status: 'Unknown', reason: 'redirection_unknown', ago: 0 })
  const first = await installed.replica(t)
  await untilTold(first, 'bad', 'Warning redirection_bypassed 1')
  await untilTold(first, 'raced', 'Normal redirection_restored 1')
  await say(bad, { status: 'True', reason: 'redirection_seen', ago: 20 * MINUTES })
  await untilTold(first, 'bad', 'Normal redirection_seen 1', 'Warning redirection_bypassed 1')
  await say(bad, { status: 'False', reason: 'redirection_bypassed', ago: 10 * MINUTES })
  await untilTold(first, 'bad', 'Normal redirection_seen 1', 'Warning redirection_bypassed 2')
  assert.deepEqual(await events('unknown'), [], 'a pod that starts is unknown for a moment')
  await say(unknown, { status: 'Unknown', reason: 'redirection_unknown', ago: 6 * MINUTES })
  await untilTold(first, 'unknown', 'Warning redirection_unknown 1')
  // another leader finds what the first one told, and only what is new is counted
  await first.webhook.close()
  const second = await installed.replica(t)
  const last = await createPod('last')
  await say(last, { status: 'False', reason: 'rules_missing', ago: 0 })
  await untilTold(second, 'last', 'Warning rules_missing 1')
  assert.deepEqual(await events('bad'), ['Normal redirection_seen 1', 'Warning redirection_bypassed 2'])
  assert.deepEqual([await events('fine'), await events('strange')], [[], []])
  const { items } = await installed.admin.list({ resource: cluster.RESOURCES.event, namespace: 'mesh' })
  const told = items.find(({ regarding }) => objectOr(regarding)['name'] === 'last')
  assert.match(
    stringOr(told?.['note']) ?? '',
    /^rules_missing, in words \(measured by the agent of node node-0\); to do: restart the pod/,
  )
})

test('a pod that ended for want of redirection is told of and stays as it is, whoever owns it; one that succeeded is no news', async (t) => {
  const job = { apiVersion: 'batch/v1', kind: 'Job', name: 'batch', uid: 'c1b2', controller: true }
  const spec = { restartPolicy: 'Never' }
  const bare = await createPod('ended', 'node-0', { spec })
  const ofJob = await createPod('ended-job', 'node-0', { spec, metadata: { ownerReferences: [job] } })
  const succeeded = await createPod('succeeded', 'node-0', { spec })
  const running = await createPod('running-job', 'node-0', { spec, metadata: { ownerReferences: [job] } })
  const ends = async (pod: Target, phase: string, reason = 'pod_ended_unredirected'): Promise<void> => {
    const conditions = ['sluice-mesh.io/redirected', 'sluice-mesh.io/evict'].map((type, at) => ({
      ...{ type, status: at === 0 ? 'False' : 'True', reason, message: `${reason}, in words` },
      lastTransitionTime: '2026-01-01T00:00:00Z',
    }))
    await installed.admin.patch({ ...pod, subresource: 'status' }, 'strategic', { status: { phase, conditions } })
  }
  await ends(succeeded, 'Succeeded')
  await ends(bare, 'Failed')
  await ends(ofJob, 'Failed')
  const serving = await installed.replica(t)
  await untilTold(serving, 'ended', 'Warning pod_ended_unredirected 1')
  await untilTold(serving, 'ended-job', 'Warning pod_ended_unredirected 1')
  assert.doesNotMatch(await metricsOf(serving), /what="eviction"/, 'asks are judged before events are told')
  assert.doesNotMatch((await call(serving, '/readyz?verbose')).text, /eviction_refused/)
  // the same word of an agent, and the same code, of a pod that has not ended: two events under two names
  await ends(running, 'Running', 'evicted')
  await untilTold(serving, 'running-job', 'Warning evicted 1', 'Warning pod_evicted 1')
  for (const pod of [bare, ofJob, succeeded])
    assert.equal(objectOr((await installed.admin.get(pod))['metadata'])['deletionTimestamp'], undefined)
  assert.deepEqual(await events('succeeded'), [])
})

test('a node with much to say leaves room for the others, and all have one budget; what is over before its turn is counted as dropped', async (t) => {
  await installed.api.kubectl(['delete', 'pods', '--all', '-n', 'mesh', '--force', '--grace-period=0'])
  const others = ['node-1', 'node-2', 'node-3']
  await cluster.createReadyNodes(installed, others)
  await cluster.eachOf(others, async (node) => await cluster.createAgentPod(installed, node, { ready: true }))
  const pods = new Map<string, { readonly pod: Target; readonly node: string }>()
  const bad = async (node: string, count: number): Promise<void> => {
    const names = Array.from({ length: count }, (_, at) => `${node}-${at}`)
    await cluster.eachOf(names, async (name) => {
      const pod = await createPod(name, node)
      pods.set(name, { pod, node })
      await say(pod, { status: 'False', reason: 'redirection_bypassed', ago: 0 })
    })
  }
  const heard = async (): Promise<ReadonlySet<string>> => {
    const { items } = await installed.admin.list({ resource: cluster.RESOURCES.event, namespace: 'mesh' })
    const names = items.flatMap(({ regarding }) => stringOr(objectOr(regarding)['name']) ?? [])
    return new Set(names.filter((name) => pods.has(name)))
  }
  const told = async (): Promise<string> => {
    const nodes = [...(await heard())].map((name) => pods.get(name)?.node)
    return ['node-0', ...others].map((node) => nodes.filter((one) => one === node).length).join(' ')
  }
  await bad('node-0', 26)
  const serving = await installed.replica(t)
  await until(async () => (await told()) === '20 0 0 0', logged(serving))
  await bad('node-1', 3)
  await until(async () => (await told()) === '20 3 0 0', logged(serving))
  // of the 60 of all, 37 are left
  await bad('node-2', 22)
  await until(async () => (await told()) === '20 3 20 0', logged(serving))
  await bad('node-3', 20)
  await until(async () => (await told()) === '20 3 20 17', logged(serving))
  const before = await heard()
  for (const [name, { pod }] of pods)
    if (!before.has(name)) await say(pod, { status: 'True', reason: 'redirection_seen', ago: 0 })
  await until(async () => (await metricsOf(serving)).includes('sluice_events_dropped_total 11'), logged(serving))
  assert.deepEqual(await heard(), before)
})
