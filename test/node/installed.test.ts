import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startNode } from '../../scripts/cluster/node.ts'
import { BOX_IMAGE } from '../../scripts/cluster/node-images.ts'
import { type JsonObject, objectOr } from '../../src/core/json/value.ts'
import { apply, dial, kubectl, makeNamespace, node, ready, run, waitFor } from './cluster.ts'
import {
  applyChart,
  chartObjects,
  installed,
  meshNamespace,
  pretendIstiod,
  removeChart,
  sluice,
} from './installation.ts'
import { NODE_DIRECTORY } from './place.ts'
import { AGENT, plainPod, SLUICE } from './workloads.ts'

/** The product as people install it: by its chart, from the image that ships, on a real node with real pods and a real Envoy. */
const [MESH, OUTSIDE, INIT, LATER] = ['mesh', 'outside', 'mesh-init', 'mesh-later']
const SYSTEM = 'system'

after(async () => {
  await node.kubectl(['delete', 'namespace', MESH, INIT, LATER, OUTSIDE, '--ignore-not-found', '--timeout=120s'])
  await node.kubectl(['-n', 'kube-system', 'delete', 'pod', SYSTEM, '--ignore-not-found', '--timeout=60s'])
  await removeChart()
})
before(async () => {
  await removeChart()
  await pretendIstiod()
  await makeNamespace(SLUICE)
  await applyChart(chartObjects())
  await installed()
  await meshNamespace(MESH)
  await meshNamespace(INIT, { 'sluice-mesh.io/mode': 'init' })
  await meshNamespace(LATER)
  await makeNamespace(OUTSIDE)
  await create(OUTSIDE, plainPod('plain'))
  await create(MESH, plainPod('web'))
})

async function create(namespace: string, pod: JsonObject): Promise<void> {
  await apply({ ...pod, metadata: { ...(pod['metadata'] as object), namespace } })
}

async function decided(namespace: string, name: string): Promise<string> {
  const path = 'jsonpath={.metadata.annotations.sluice-mesh\\.io/decided}'
  return await kubectl('-n', namespace, 'get', 'pod', name, '-o', path)
}

interface Load {
  readonly modes: Readonly<Record<string, number>>
  readonly failed: number
  readonly problems: readonly string[]
}

async function load(count: number): Promise<Load> {
  return JSON.parse(
    await run(process.execPath, `${process.cwd()}/test/node/create-load.ts`, MESH, String(count)),
  ) as Load
}

test('a pod of the mesh gets mode cni, asks for no privilege, and its traffic passes a real Envoy both ways', async () => {
  const [plain, web] = [await ready(OUTSIDE, 'plain'), await ready(MESH, 'web')]
  assert.equal(await decided(MESH, 'web'), 'cni')
  assert.doesNotMatch(await kubectl('-n', MESH, 'get', 'pod', 'web', '-o', 'yaml'), /NET_ADMIN/)
  assert.equal(await dial(MESH, 'web', `${plain}:8080`), `app was asked for ${plain}:8080 by a proxy`)
  assert.equal(await dial(OUTSIDE, 'plain', `${web}:8080`), `app was asked for ${web}:8080 by a proxy`)
  assert.equal(await decided(OUTSIDE, 'plain'), '')
})

test('the agent has measured the pod, and sluice status says so', async () => {
  const status = async (): Promise<string> => (await sluice('status', '-n', MESH, '-o', 'json')).stdout
  await waitFor(async () => /"redirected": "yes"/.test(await status()), 'web is measured', status)
})

test('the kernel gives the agent the rights of the chart and no more, filters its calls, and lets it write nothing of its image', async () => {
  const find =
    'for p in /proc/[0-9]*; do tr "\\0" " " <$p/cmdline 2>/dev/null | grep -q "main.js agent" && cat $p/status $p/mountinfo; done'
  const { stdout } = await node.exec(['sh', '-c', find])
  // SETGID, SETUID, NET_ADMIN, SYS_ADMIN
  const rights = [6, 7, 12, 21].reduce((all, bit) => all | (1n << BigInt(bit)), 0n)
  for (const set of ['CapEff', 'CapPrm', 'CapBnd'])
    assert.match(stdout, new RegExp(`^${set}:\\t${rights.toString(16).padStart(16, '0')}$`, 'm'))
  assert.match(stdout, /^NoNewPrivs:\t1$/m)
  assert.match(stdout, /^Seccomp:\t2$/m)
  assert.match(stdout, /^\d+ \d+ \d+:\d+ \/ \/ ro,/m)
})

test('a pod whose namespace wishes mode init redirects itself, and its traffic passes Envoy', async () => {
  await create(INIT, plainPod('self'))
  const [plain, self] = [await ready(OUTSIDE, 'plain'), await ready(INIT, 'self')]
  assert.equal(await decided(INIT, 'self'), 'init')
  assert.equal(await dial(INIT, 'self', `${plain}:8080`), `app was asked for ${plain}:8080 by a proxy`)
  assert.equal(await dial(OUTSIDE, 'plain', `${self}:8080`), `app was asked for ${self}:8080 by a proxy`)
})

test('a dry run says what would become of a pod, and a Job of the mesh completes', async () => {
  const pod = { ...plainPod('asked'), metadata: { name: 'asked', namespace: MESH } }
  const { code, stderr } = await node.kubectl(['apply', '--dry-run=server', '-f', '-'], JSON.stringify(pod))
  assert.equal(code, 0, stderr)
  assert.match(stderr, /Warning: sluice: mode cni: cni_first/)
  const app = { name: 'app', image: BOX_IMAGE, imagePullPolicy: 'Never', command: ['/box', 'dial', '127.0.0.1:15021'] }
  await apply({
    ...{ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'once', namespace: MESH } },
    spec: { template: { spec: { restartPolicy: 'Never', containers: [app] } } },
  })
  await kubectl('-n', MESH, 'wait', '--for=condition=complete', 'job/once', '--timeout=120s')
})

test('the chart applied again changes nothing and conflicts with nothing, though the leader wrote caBundle', async () => {
  const path = 'jsonpath={.webhooks[0].clientConfig.caBundle}'
  assert.notEqual(await kubectl('get', 'mutatingwebhookconfiguration', 'sluice', '-o', path), '')
  const kinds =
    'mutatingwebhookconfigurations,validatingwebhookconfigurations,validatingadmissionpolicies,configmaps,deployments,daemonsets'
  const state = async (): Promise<readonly string[]> => {
    const { items } = JSON.parse(
      await kubectl('get', kinds, '-A', '-l', 'app.kubernetes.io/part-of=sluice', '-o', 'json'),
    ) as { readonly items: readonly JsonObject[] }
    return items.map(({ kind, metadata, spec, webhooks, data }) => {
      const { name, generation } = objectOr(metadata)
      // of a workload a new generation is a roll-out; that nothing else is written either, test/cluster/revisions.test.ts shows
      const rolled = kind === 'Deployment' || kind === 'DaemonSet' ? generation : null
      return JSON.stringify({ kind, name, rolled, spec, webhooks, data })
    })
  }
  const before = await state()
  assert.ok(before.length > 6, `${before.length} objects`)
  await applyChart(chartObjects())
  assert.deepEqual(await state(), before)
})

test('a rolling update of webhook and agent and a new certificate cost no creation, and change no mode', async () => {
  const running = load(1_000)
  await kubectl('-n', SLUICE, 'rollout', 'restart', 'deployment/sluice-webhook', `daemonset/${AGENT}`)
  await kubectl('-n', SLUICE, 'rollout', 'status', 'deployment/sluice-webhook', '--timeout=120s')
  await kubectl('-n', SLUICE, 'delete', 'secret', 'sluice-ca')
  const { modes, failed, problems } = await running
  assert.deepEqual({ modes, failed, problems }, { modes: { cni: 1_000 }, failed: 0, problems: [] })
  await installed()
  const [plain, web] = [await ready(OUTSIDE, 'plain'), await ready(MESH, 'web')]
  assert.equal(await dial(MESH, 'web', `${plain}:8080`), `app was asked for ${plain}:8080 by a proxy`)
  assert.equal(await dial(OUTSIDE, 'plain', `${web}:8080`), `app was asked for ${web}:8080 by a proxy`)
})

test('with the webhook down the guard refuses pods of the mesh, and nobody else', async () => {
  await kubectl('-n', SLUICE, 'scale', 'deployment/sluice-webhook', '--replicas=0')
  try {
    const tried = async (namespace: string): Promise<{ readonly code: number; readonly stderr: string }> =>
      await node.kubectl(
        ['apply', '--dry-run=server', '-f', '-'],
        JSON.stringify({ ...plainPod('late'), metadata: { name: 'late', namespace } }),
      )
    await waitFor(async () => (await tried(LATER)).code !== 0, 'the guard refuses')
    assert.match((await tried(LATER)).stderr, /sluice-guard.*denied request/s)
    for (const free of [OUTSIDE, 'kube-system', SLUICE]) assert.equal((await tried(free)).code, 0, free)
  } finally {
    await kubectl('-n', SLUICE, 'scale', 'deployment/sluice-webhook', '--replicas=2')
  }
  await installed()
})

test('from nothing, on a node that is born tainted, everything comes up by itself, and nothing waits for Sluice but the mesh', async () => {
  const labels = { app: 'cold' }
  const { spec } = plainPod('cold')
  const web = { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: spec ?? {} } }
  await apply({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'cold', namespace: LATER }, spec: web })
  await kubectl('-n', LATER, 'rollout', 'status', 'deployment/cold', '--timeout=120s')
  await kubectl('label', 'node', 'node', 'sluice-mesh.io/cni-', 'sluice-mesh.io/ambient-')
  await kubectl('taint', 'node', 'node', 'sluice-mesh.io/not-ready=:NoSchedule', '--overwrite')
  for (const namespace of [SLUICE, LATER])
    await kubectl('-n', namespace, 'delete', 'pods', '--all', '--force', '--grace-period=0', '--wait=false')
  await node.down()
  await startNode(NODE_DIRECTORY)
  // the first pods of the cluster: no policy and no webhook of Sluice stands in their way, and its taint they tolerate
  const system = plainPod(SYSTEM)
  const tolerant = { ...objectOr(system['spec']), tolerations: [{ operator: 'Exists' }] }
  await create('kube-system', { ...system, spec: tolerant })
  await ready('kube-system', SYSTEM)
  await installed()
  const taints = async (): Promise<string> => await kubectl('get', 'node', 'node', '-o', 'jsonpath={.spec.taints}')
  await waitFor(async () => !(await taints()).includes('sluice-mesh.io'), 'the taint is lifted', taints)
  await kubectl('-n', LATER, 'rollout', 'status', 'deployment/cold', '--timeout=120s')
  const [name = ''] = (
    await kubectl('-n', LATER, 'get', 'pods', '-l', 'app=cold', '-o', 'jsonpath={.items[*].metadata.name}')
  ).split(' ')
  assert.equal(await decided(LATER, name), 'cni')
  const plain = await ready(OUTSIDE, 'plain')
  assert.equal(await dial(LATER, name, `${plain}:8080`), `app was asked for ${plain}:8080 by a proxy`)
})

test('sluice check finds everything in order', async () => {
  // the API server learns a moment later than the Deployment that replicas are back
  const check = async (): Promise<{ readonly code: number; readonly stdout: string }> => await sluice('check')
  await waitFor(
    async () => (await check()).code === 0,
    'check is content',
    async () => (await check()).stdout,
  )
})
