import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { BOX_IMAGE } from '../../scripts/cluster/node-images.ts'
import type { JsonObject } from '../../src/core/json/value.ts'
import { apply, dial, inNamespace, kubectl, makeNamespace, node, ready, run, waitFor } from './cluster.ts'
import { applyChart, chartObjects, installed, pretendIstiod, removeChart, sluice } from './installation.ts'
import { bareNode, chain, startIstio, waitForChain } from './istio.ts'
import { AGENT, plainPod, SLUICE } from './workloads.ts'

/**
 * A node is moved from istio-cni to Sluice and back, as docs/migration.md says it, under pods that ask each other all the while
 * through a real Envoy. Istio's two parts are stand-ins; chain, rules, webhooks and traffic are real.
 */
const [SHOP, LATER, OUTSIDE] = ['moves', 'moves-later', 'moves-outside']
const OLD = { 'istio.io/rev': 'old' }
const BY_PROXY = ' by a proxy'

let stopIstio: () => Promise<void> = () => Promise.resolve()
after(async () => {
  await node.kubectl(['label', 'node', 'node', 'sluice-mesh.io/moved-'])
  await kubectl('delete', 'namespace', SHOP, LATER, OUTSIDE, '--ignore-not-found', '--wait', '--timeout=120s')
  await removeChart()
  await stopIstio()
  await bareNode()
})
before(async () => {
  await removeChart()
  await bareNode()
  await pretendIstiod()
  stopIstio = await startIstio()
  await waitForChain('istio-cni')
  for (const name of [SHOP, LATER]) {
    await makeNamespace(name, OLD)
    await node.kubectl(['-n', name, 'create', 'configmap', 'istio-ca-root-cert', '--from-literal=root-cert.pem=none'])
  }
  await makeNamespace(OUTSIDE)
  await apply(...inNamespace(OUTSIDE, plainPod('plain')), ...inNamespace(SHOP, plainPod('web')))
  const [plain, web] = [await ready(OUTSIDE, 'plain'), await ready(SHOP, 'web')]
  await apply(...inNamespace(OUTSIDE, askingPod('into', web)), ...inNamespace(SHOP, askingPod('out', plain)))
  for (const [namespace, name] of CLIENTS) await ready(namespace, name)
  for (const [namespace, name] of CLIENTS) await waitFor(async () => (await told(namespace, name)).asked > 3, name)
  started = await asked()
})

/** Pods that never stop to ask: one from outside into the mesh, one out of it. */
const CLIENTS = [
  [OUTSIDE, 'into'],
  [SHOP, 'out'],
] as const

interface Told {
  readonly asked: number
  readonly failed: number
  /** answered without a proxy: outside the mesh */
  readonly bare: number
}

let started: readonly Told[] = []

/** A pod that also asks `address` again and again, and counts the answers. */
function askingPod(name: string, address: string): JsonObject {
  const { spec, ...pod } = plainPod(name) as { readonly spec: JsonObject }
  const command = ['/box', 'serve', '0.0.0.0:8080', 'app', 'ask', `${address}:8080`, BY_PROXY]
  const securityContext = { runAsUser: 1000, runAsGroup: 1000 }
  const app = { name: 'app', image: BOX_IMAGE, imagePullPolicy: 'Never', command, securityContext }
  return { ...pod, spec: { ...spec, containers: [app] } }
}

async function told(namespace: string, name: string): Promise<Told> {
  const text = await kubectl('-n', namespace, 'logs', name, '-c', 'app', '--tail=1')
  return text === '' ? { asked: 0, failed: 0, bare: 0 } : (JSON.parse(text) as Told)
}

async function asked(): Promise<readonly Told[]> {
  return await Promise.all(CLIENTS.map(async ([namespace, name]) => await told(namespace, name)))
}

/** No request failed since the clients were ready, none was answered outside the mesh, and they did ask on. */
async function nothingWasLost(): Promise<void> {
  const now = await asked()
  for (const [i, { asked: count, failed, bare }] of now.entries()) {
    const first = started[i] ?? assert.fail()
    assert.deepEqual({ failed, bare }, { failed: first.failed, bare: 0 }, `client ${i} of ${count} requests`)
    assert.ok(count > first.asked)
  }
}

interface Entry {
  readonly name: string
  readonly mode: string
  readonly rules: 'made' | 'found'
}

/** Whose rules a pod has, as the agent's journal says it. */
async function rulesOf(name: string): Promise<string | undefined> {
  const { entries } = JSON.parse(await run('cat', '/var/run/sluice/journal.json')) as {
    readonly entries: readonly Entry[]
  }
  return entries.find((entry) => entry.name === name)?.rules
}

async function decided(namespace: string, name: string): Promise<string> {
  const path = 'jsonpath={.metadata.annotations.sluice-mesh\\.io/decided}'
  return await kubectl('-n', namespace, 'get', 'pod', name, '-o', path)
}

/** Creates a pod that asks from its first moment, and is in the mesh with every answer that it gets. */
async function startsInMesh(namespace: string, name: string): Promise<void> {
  const plain = await kubectl('-n', OUTSIDE, 'get', 'pod', 'plain', '-o', 'jsonpath={.status.podIP}')
  await apply(...inNamespace(namespace, askingPod(name, plain)))
  await ready(namespace, name)
  await waitFor(async () => (await told(namespace, name)).asked > 0, `${name} has asked`)
  assert.equal(await dial(namespace, name, `${plain}:8080`), `app was asked for ${plain}:8080${BY_PROXY}`)
  assert.equal((await told(namespace, name)).bare, 0)
}

async function measured(...names: readonly string[]): Promise<void> {
  const status = async (): Promise<string> => (await sluice('status', '-n', SHOP, '-o', 'json')).stdout
  const yes = async (): Promise<boolean> => {
    const text = await status()
    return names.every((name) => new RegExp(`"${name}"[^{}]*"redirected": "yes"`).test(text))
  }
  await waitFor(yes, `${names.join()} are measured`, status)
}

test('Sluice is installed beside istio-cni: its entry comes after, pods start, and their rules are left as they are', async () => {
  await makeNamespace(SLUICE)
  await applyChart(chartObjects())
  await installed()
  assert.deepEqual(await chain(), ['ptp', 'portmap', 'istio-cni', 'sluice-cni'])
  await startsInMesh(SHOP, 'both')
  assert.equal(await rulesOf('both'), 'found')
  assert.equal(await decided(SHOP, 'both'), '')
  assert.match((await sluice('plan', '-A')).stdout, /^nodes:\n {2}istio-cni and Sluice on node$/m)
  // those that were there before the agent, too
  await measured('web', 'out', 'both')
  await nothingWasLost()
})

test('istio-cni leaves the node while pods start: each is in the mesh, and none that runs notices', async () => {
  const selector = [{ matchExpressions: [{ key: 'sluice-mesh.io/moved', operator: 'DoesNotExist' }] }]
  const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: selector } } }
  const patch = JSON.stringify({ spec: { template: { spec: { affinity } } } })
  await kubectl('-n', 'istio-system', 'patch', 'daemonset', 'istio-cni-node', '--type', 'merge', '-p', patch)
  await kubectl('-n', 'istio-system', 'rollout', 'status', 'daemonset/istio-cni-node', '--timeout=120s')
  await waitForChain('istio-cni', 'sluice-cni')
  const starting = ['while-1', 'while-2', 'while-3'].map(async (name) => await startsInMesh(SHOP, name))
  await kubectl('label', 'node', 'node', 'sluice-mesh.io/moved=true')
  await Promise.all(starting)
  await waitForChain('sluice-cni')
  await waitFor(
    async () => (await node.exec(['test', '-e', '/opt/cni/bin/istio-cni'])).code !== 0,
    'its plugin is gone',
  )
  await startsInMesh(SHOP, 'alone')
  assert.equal(await rulesOf('alone'), 'made')
  assert.match(
    (await sluice('check')).stdout,
    /there is istio-cni \(istio-system\/istio-cni-node\); Sluice alone on node/,
  )
  await nothingWasLost()
})

test('namespace by namespace the webhook changes, and the pods of no other one with it', async () => {
  await kubectl('label', 'namespace', SHOP, 'istio.io/rev-', 'istio-injection=enabled')
  await waitFor(async () => {
    const pod = { ...plainPod('dry'), metadata: { name: 'dry', namespace: SHOP } }
    const args = ['create', '--dry-run=server', '-o', 'name', '-f', '-']
    return (await node.kubectl(args, JSON.stringify(pod))).stderr.includes('sluice: mode cni')
  }, 'the API server asks Sluice')
  await startsInMesh(SHOP, 'mine')
  assert.equal(await decided(SHOP, 'mine'), 'cni')
  await startsInMesh(LATER, 'theirs')
  assert.equal(await decided(LATER, 'theirs'), '')
  await nothingWasLost()
})

test('and back in reverse: the namespace, then istio-cni, then Sluice leaves the node', async () => {
  await kubectl('label', 'namespace', SHOP, 'istio-injection-', 'istio.io/rev=old')
  await startsInMesh(SHOP, 'istios')
  assert.equal(await decided(SHOP, 'istios'), '')
  await kubectl('label', 'node', 'node', 'sluice-mesh.io/moved-')
  await waitForChain('istio-cni', 'sluice-cni')
  await startsInMesh(SHOP, 'both-again')
  assert.equal(await rulesOf('both-again'), 'found')
  const agent = await kubectl('-n', SLUICE, 'get', 'pods', '-l', `app.kubernetes.io/name=${AGENT}`, '-o', 'name')
  await node.kubectl(['-n', SLUICE, 'exec', agent.trim(), '--', '/usr/bin/node', '/sluice/main.js', 'uninstall'])
  await waitForChain('istio-cni')
  await startsInMesh(SHOP, 'istios-alone')
  await nothingWasLost()
})
