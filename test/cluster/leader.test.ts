import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { objectOr, stringOr } from '../../src/core/json/value.ts'
import * as given from '../app/webhook/cluster.ts'
import { call, metricsOf, post, responseOf, type Serving } from '../app/webhook/serving.ts'
import * as cluster from './replicas.ts'
import { until } from './until.ts'

const ABLE = 'ambient=ready cni=ready'
const GONE = 'sluice-mesh.io/not-ready:NoSchedule taint'
const NODES = Array.from({ length: 200 }, (_, at) => `node-${at}`)

let installed: cluster.Installed
before(async () => {
  installed = await cluster.install()
  await cluster.createReadyNodes(installed, NODES)
  await cluster.eachOf(NODES, async (node) => await cluster.createAgentPod(installed, node, { ready: true }))
  await cluster.createReadyNodes(installed, ['windows'], { 'kubernetes.io/os': 'windows' })
  await cluster.createReadyNodes(installed, ['virtual'], { 'kubernetes.io/os': 'linux', type: 'virtual-kubelet' })
  // it tolerates everything, so its DaemonSet has a pod there that never runs
  await cluster.createAgentPod(installed, 'virtual', { ready: false, minutes: 60 })
})
after(async () => await installed.stop())

/** How one pod of a sidecar namespace and one of an ambient namespace are decided now. */
async function decided(serving: Serving): Promise<readonly string[]> {
  const modes = ['mesh', 'ambient'].map(async (namespace) => {
    const { auditAnnotations, status } = responseOf(await post(serving, given.review(given.pod(), namespace)))
    return status?.message ?? auditAnnotations?.['mode'] ?? 'nothing'
  })
  return await Promise.all(modes)
}

async function shows(node: string, want: string): Promise<void> {
  let last = ''
  await until(
    async () => (last = await cluster.nodeShows(installed, node)) === want,
    () => ({ node, want, last }),
  )
}

async function holder(lease = 'sluice-leader'): Promise<string> {
  const target = { resource: cluster.RESOURCES.lease, namespace: 'sluice-system', name: lease }
  const found = await installed.admin.get(target).catch(() => undefined)
  return stringOr(objectOr(found?.['spec'])['holderIdentity']) ?? ''
}

test('200 nodes, one of them with its agent dead for an hour, Windows and a virtual node: no decision changes', async (t) => {
  const serving = await installed.replica(t)
  await until(
    async () => (await metricsOf(serving)).includes('sluice_nodes{mode="cni",state="able"} 200'),
    () => serving.logged().slice(-2000),
  )
  await shows('node-199', ABLE)
  await until(
    async () => (await decided(serving)).join() === 'cni,ambient',
    () => serving.logged().slice(-2000),
  )
  await cluster.reportAgent(installed, 'sluice-agent-node-7', { ready: false, minutes: 60 })
  await shows('node-7', GONE)
  assert.deepEqual(await decided(serving), ['cni', 'ambient'])
  for (const node of ['windows', 'virtual']) await shows(node, '')
  for (const node of ['node-6', 'node-8', 'node-199']) await shows(node, ABLE)
  const metrics = await metricsOf(serving)
  for (const line of [
    '{mode="cni",state="excluded"} 2',
    '{mode="cni",state="unable"} 1',
    '{mode="cni",state="able"} 199',
  ])
    assert.ok(metrics.includes(`sluice_nodes${line}`), metrics)
  await cluster.reportAgent(installed, 'sluice-agent-node-7', { ready: true })
  await shows('node-7', ABLE)
})

test('a status that is forged is not believed: a pod with the label of the agent that says that it is ready changes nothing', async (t) => {
  const serving = await installed.replica(t)
  await cluster.createReadyNodes(installed, ['bare'])
  const { admin } = installed
  const forged = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'forged', namespace: 'sluice-system', labels: { 'app.kubernetes.io/name': 'sluice-agent' } },
    spec: { nodeName: 'bare', containers: [{ name: 'a', image: 'registry.example/a:1' }] },
  }
  await admin.create({ resource: cluster.RESOURCES.pod, namespace: 'sluice-system' }, forged)
  await cluster.reportAgent(installed, 'forged', { ready: true })
  const alarm = /\[!\]agent_disbelieved alarm: the pod forged on node bare .* not controlled by the DaemonSet/
  let text = ''
  await until(
    async () => alarm.test((text = (await call(serving, '/readyz?verbose')).text)),
    () => text,
  )
  assert.match(text, /^ok$/m)
  // new, and without an agent that is believed
  await shows('bare', GONE)
  await cluster.removePod(installed, 'forged')
})

test('a leader that is killed is followed by another, which goes on where it was: the grace does not begin anew', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-leader-'))
  const args = [
    'webhook',
    '--leader',
    '--pod-name',
    'first',
    '--kubeconfig',
    installed.api.kubeconfig,
    '--certs-dir',
    directory,
  ]
  const first = spawn(
    process.execPath,
    ['src/main.ts', ...args, '--listen', '127.0.0.1:0', '--metrics-listen', '127.0.0.1:0'],
    { stdio: 'ignore' },
  )
  const gone = new Promise((resolve) => first.once('exit', resolve))
  t.after(async () => {
    first.kill('SIGKILL')
    await gone
    rmSync(directory, { recursive: true, force: true })
  })
  await until(async () => (await holder()).startsWith('first_'), holder)
  await cluster.removePod(installed, 'sluice-agent-node-3')
  const unable = `ambient-unable-since ${ABLE.split(' ')[0] ?? ''} cni-unable-since cni=ready`
  await shows('node-3', unable)
  const second = await installed.replica(t)
  const node = { resource: cluster.RESOURCES.node, name: 'node-3' }
  const marks = async (): Promise<unknown> => objectOr((await installed.admin.get(node))['metadata'])['annotations']
  const before = await marks()
  first.kill('SIGKILL')
  await gone
  await until(async () => (await holder()).startsWith('replica_'), holder)
  await until(
    async () => (await metricsOf(second)).includes('sluice_nodes{mode="cni",state="grace"} 1'),
    () => second.logged().slice(-2000),
  )
  assert.deepEqual(await marks(), before)
  // eleven minutes later, as the second leader sees it
  const then = new Date(Date.now() - 11 * 60_000).toISOString()
  const old = { 'sluice-mesh.io/cni-unable-since': then, 'sluice-mesh.io/ambient-unable-since': then }
  await installed.admin.patch(node, 'merge', { metadata: { annotations: old } })
  await shows('node-3', GONE)
  await cluster.createAgentPod(installed, 'node-3', { ready: true })
  await shows('node-3', ABLE)
})

test('a taint of another key takes the place of the old one, and a policy without taint lifts it', async (t) => {
  await installed.replica(t)
  const policy = async (text: string): Promise<void> =>
    await installed.apply(given.configMap('sluice-system', 'sluice-policy', { policy: text }))
  await shows('bare', GONE)
  await policy('taint: { key: startup.example.com/mesh, effect: NoExecute }')
  await shows('bare', 'startup.example.com/mesh:NoExecute taint')
  await policy('taint: { enabled: false }')
  await shows('bare', '')
  await policy('{}')
})
