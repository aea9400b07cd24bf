import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startNode } from '../../scripts/cluster/node.ts'
import { BOX_IMAGE } from '../../scripts/cluster/node-images.ts'
import {
  ability,
  carried,
  GATED,
  LABEL,
  netnsOf,
  networkOf,
  OUTSIDE,
  probedPod,
  probeSet,
  rulesOf,
  seen,
  SHOP,
  state,
  tentativeOf,
  untilCarried,
  untilMarked,
  ztunnelObject,
} from './ambient-scene.ts'
import { apply, inNamespace, kubectl, makeNamespace, node, ready, run, waitFor } from './cluster.ts'
import { applyChart, chartObjects, installed, pretendIstiod, removeChart, sluice } from './installation.ts'
import { NODE_DIRECTORY } from './place.ts'
import { AGENT, plainPod, SLUICE } from './workloads.ts'

/** Pods join and leave ambient on a real node, installed by the chart, with a ztunnel of the tests' own that carries their traffic. */
const GATE = `policy.readinessGate[0]=${GATED}`

before(async () => {
  await removeChart()
  await pretendIstiod()
  await makeNamespace(SLUICE)
  await applyChart(chartObjects(GATE))
  await installed()
  for (const namespace of [SHOP, OUTSIDE, GATED]) await makeNamespace(namespace)
  await apply(...inNamespace(SHOP, probedPod('web')), ...inNamespace(OUTSIDE, plainPod('peer')))
})
after(async () => {
  await node.kubectl(['delete', 'namespace', SHOP, OUTSIDE, GATED, '--ignore-not-found'])
  await node.kubectl(['-n', 'istio-system', 'delete', 'daemonset', 'ztunnel', '--ignore-not-found'])
  await removeChart()
  await node.exec(['rm', '-f', '/opt/cni/bin/sluice-cni.uninstalled'])
})

async function labelShop(value: string): Promise<void> {
  await kubectl('label', 'namespace', SHOP, `${LABEL}${value === '' ? '-' : `=${value}`}`)
}

test('a running pod that is labelled is not marked enabled while no ztunnel is there, and its traffic goes on', async () => {
  assert.deepEqual(await carried('web'), ['nobody', 'nobody'])
  await waitFor(async () => (await ability()) === 'ztunnel_not_connected', 'the agent misses ztunnel', state)
  await labelShop('ambient')
  assert.deepEqual(await carried('web'), ['nobody', 'nobody'])
  assert.notEqual((await seen('web')).mark, 'enabled')
})

test('with a ztunnel it is brought in and marked, carried both ways, and the kubelet finds it Ready throughout', async () => {
  const { restarts, ready: since } = await seen('web')
  await apply(ztunnelObject())
  await untilMarked('web', 'enabled')
  assert.deepEqual(await carried('web'), ['ztunnel', 'ztunnel'])
  const now = await seen('web')
  assert.deepEqual([now.restarts, now.ready], [restarts, since])
  assert.ok((await probeSet()).includes(await ready(SHOP, 'web')))
})

test('then the node counts as able, and a new pod is decided ambient and in the mesh before its first connection', async () => {
  const path = 'jsonpath={.metadata.labels.sluice-mesh\\.io/ambient}'
  await waitFor(async () => (await kubectl('get', 'node', 'node', '-o', path)) === 'ready', 'the leader says so', state)
  const peer = await ready(OUTSIDE, 'peer')
  const { stderr } = await node.kubectl(
    ['apply', '--dry-run=server', '-f', '-'],
    JSON.stringify(inNamespace(SHOP, plainPod('asked'))[0]),
  )
  assert.match(stderr, /Warning: sluice: mode ambient: /)
  const app = { name: 'app', image: BOX_IMAGE, imagePullPolicy: 'Never', command: ['/box', 'dial', `${peer}:8080`] }
  const template = { metadata: { labels: { first: 'act' } }, spec: { restartPolicy: 'Never', containers: [app] } }
  const job = { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'first-act', namespace: SHOP } }
  await apply({ ...job, spec: { template } }, ...inNamespace(SHOP, probedPod('fresh')))
  await kubectl('-n', SHOP, 'wait', '--for=condition=complete', 'job/first-act', '--timeout=120s')
  assert.match(await kubectl('-n', SHOP, 'logs', '-l', 'first=act'), /by a proxy/)
  await untilMarked('fresh', 'enabled')
  const { decided, restarts } = await seen('fresh')
  assert.deepEqual([decided, restarts], ['ambient', 0])
  assert.deepEqual(await carried('fresh'), ['ztunnel', 'ztunnel'])
})

test('sluice status has mode, proof and age, and explain says the same mode', async () => {
  const status = async (): Promise<string> => (await sluice('status', '-n', SHOP, '-o', 'wide')).stdout
  await waitFor(async () => /^\S*\s*fresh\s+ambient\s+yes/m.test(await status()), 'fresh is measured', status)
  assert.match((await sluice('explain', '-n', SHOP, 'fresh')).stdout, /mode ambient/)
})

test('a namespace with a readiness gate has its pods Ready once they are proven', async () => {
  await kubectl('label', 'namespace', GATED, `${LABEL}=ambient`)
  await apply(...inNamespace(GATED, probedPod('careful')))
  await ready(GATED, 'careful')
  const path =
    'jsonpath={.spec.readinessGates[*].conditionType} {.status.conditions[?(@.type=="sluice-mesh.io/redirected")].status}'
  assert.equal(await kubectl('-n', GATED, 'get', 'pod', 'careful', '-o', path), 'sluice-mesh.io/redirected True')
  assert.deepEqual(await carried('careful', GATED), ['ztunnel', 'ztunnel'])
})

test('a running pod of a namespace outside comes in by its own label, and without it has its network as it was', async () => {
  await apply(...inNamespace(OUTSIDE, probedPod('lone')))
  assert.deepEqual(await carried('lone', OUTSIDE), ['nobody', 'nobody'])
  // the kernel gives the route to an IPv6 address once it found no other pod with it, a second or two after the start
  const tentative = async (): Promise<string> => await tentativeOf('lone', OUTSIDE)
  await waitFor(async () => (await tentative()) === '', 'its addresses are its own', tentative)
  const [alone, pod] = [await networkOf('lone', OUTSIDE), await seen('lone', OUTSIDE)]
  await kubectl('-n', OUTSIDE, 'label', 'pod', 'lone', `${LABEL}=ambient`)
  await untilMarked('lone', 'enabled', OUTSIDE)
  assert.deepEqual(await carried('lone', OUTSIDE), ['ztunnel', 'ztunnel'])
  const inside = await networkOf('lone', OUTSIDE)
  for (const part of [/lookup 100\b/, /table 100\b/, /:15001\b/, /:15006\b/, /:15008\b/, /:15053\b/])
    assert.match(inside, part)
  await kubectl('-n', OUTSIDE, 'label', 'pod', 'lone', `${LABEL}-`)
  await untilMarked('lone', '', OUTSIDE)
  assert.deepEqual(await carried('lone', OUTSIDE), ['nobody', 'nobody'])
  // a measurement that is under way listens, too, for a moment
  const network = async (): Promise<string> => await networkOf('lone', OUTSIDE)
  await waitFor(async () => (await network()) === alone, 'its network is as it was', network)
  assert.deepEqual(await seen('lone', OUTSIDE), pod)
})

test('a ztunnel that is replaced takes all pods again', async () => {
  await kubectl('-n', 'istio-system', 'rollout', 'restart', 'daemonset/ztunnel')
  await kubectl('-n', 'istio-system', 'rollout', 'status', 'daemonset/ztunnel', '--timeout=120s')
  for (const name of ['web', 'fresh']) await untilCarried(name, 'ztunnel')
})

test('an agent that is replaced writes no rule, and marks stay', async () => {
  const before = await rulesOf('web')
  assert.match(before, /handle \d+/)
  await kubectl('-n', SLUICE, 'rollout', 'restart', `daemonset/${AGENT}`)
  await kubectl('-n', SLUICE, 'rollout', 'status', `daemonset/${AGENT}`, '--timeout=120s')
  await waitFor(async () => (await ability()) === 'ambient_ready', 'the new agent is able', state)
  for (const name of ['web', 'fresh']) {
    await untilMarked(name, 'enabled')
    await untilCarried(name, 'ztunnel')
  }
  assert.equal(await rulesOf('web'), before)
})

test('a pod without the label is out: no rule, no address in the set, no mark, and its traffic goes on', async () => {
  const before = await seen('web')
  await kubectl('-n', SHOP, 'label', 'pod', 'web', `${LABEL}=none`)
  await untilMarked('web', '')
  assert.deepEqual(await carried('web'), ['nobody', 'nobody'])
  assert.deepEqual(await seen('web'), { ...before, mark: '' })
  assert.doesNotMatch(await rulesOf('web'), /ISTIO|15001|istio/)
  const address = await ready(SHOP, 'web')
  assert.equal((await probeSet()).includes(address), false)
  assert.doesNotMatch(await run('ss', '-N', await netnsOf(address), '-ltn'), /:15008/)
  await kubectl('-n', SHOP, 'label', 'pod', 'web', `${LABEL}-`)
  await untilMarked('web', 'enabled')
  assert.deepEqual(await carried('web'), ['ztunnel', 'ztunnel'])
})

test('a node that reboots without drain has every pod in the mesh again, and measured', async () => {
  const pods = [
    { name: 'web', namespace: SHOP },
    { name: 'fresh', namespace: SHOP },
    { name: 'careful', namespace: GATED },
  ]
  const before = await Promise.all(pods.map(async ({ name, namespace }) => await seen(name, namespace)))
  await node.down()
  await startNode(NODE_DIRECTORY)
  for (const [at, { name, namespace }] of pods.entries()) {
    const restarts = before[at]?.restarts ?? 0
    await waitFor(async () => (await seen(name, namespace)).restarts > restarts, `${name} was started again`, state)
    await untilMarked(name, 'enabled', namespace)
    await untilCarried(name, 'ztunnel', namespace)
  }
  assert.match(await run('cat', '/run/sluice/journal.json'), /"mode":"ambient"/)
  const status = async (): Promise<string> => (await sluice('status', '-n', SHOP)).stdout
  await waitFor(async () => (await status()).match(/ambient\s+yes/g)?.length === 2, 'both are measured', status)
})

test('an uninstall lets every pod leave the mesh first, with its traffic', async () => {
  const pod = await kubectl('-n', SLUICE, 'get', 'pods', '-l', `app.kubernetes.io/name=${AGENT}`, '-o', 'name')
  await node.kubectl(['-n', SLUICE, 'exec', pod.trim(), '--', '/usr/bin/node', '/sluice/main.js', 'uninstall'])
  for (const name of ['web', 'fresh']) {
    await untilMarked(name, '')
    await untilCarried(name, 'nobody')
    assert.doesNotMatch(await rulesOf(name), /ISTIO|15001|istio/)
  }
})
