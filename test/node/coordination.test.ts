import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { objectOr, objectsOf, stringOr } from '../../src/core/json/value.ts'
import { SLUICE_IMAGE } from '../../scripts/cluster/node-images.ts'
import { shipped } from '../../scripts/cluster/shipped.ts'
import * as given from '../app/webhook/cluster.ts'
import { apply, kubectl, logEnd, makeNamespace, node, waitFor } from './cluster.ts'
import { NODE_DIRECTORY } from './place.ts'
import { AGENT, agentObjects, plainPod, SLUICE } from './workloads.ts'

/** Agent, kubelet, API server and leader together: what the webhook decides follows what the node can do. */
const MESH = 'coordination'
const ADDRESS = '192.168.77.1'
const PID_FILE = join(NODE_DIRECTORY, 'webhook.pid')
const READY = 'sluice-mesh.io/cni=ready'
const TAINT = 'sluice-mesh.io/not-ready:NoSchedule'
/** there is no such image, and it is not pulled: an agent that does not come up */
const ABSENT = 'test.local/absent:1'

let serving: Promise<unknown> = Promise.resolve()
before(async () => {
  await makeNamespace('istio-system')
  await makeNamespace(MESH, { 'istio-injection': 'enabled' })
  await apply(...agentObjects(), ...given.cluster().filter(({ kind }) => kind === 'ConfigMap'))
  await grace('10m')
  // in the namespaces of the node, with which it ends in any case
  const program = join(import.meta.dirname, '../../bin/sluice.mjs')
  const webhook = [program, 'webhook', '--leader', '--listen', `${ADDRESS}:15017`, '--dns-names', ADDRESS]
  const flags = ['--metrics-listen', '127.0.0.1:0', '--certs-dir', join(NODE_DIRECTORY, 'certs')]
  const log = join(NODE_DIRECTORY, 'log/webhook.log')
  const script = 'echo $$ >"$1"; log=$2; shift 2; exec "$@" >"$log" 2>&1'
  serving = node.exec(['sh', '-c', script, 'sh', PID_FILE, log, process.execPath, ...webhook, ...flags])
  const [registered = {}] = shipped('mutating')
  const clientConfig = { url: `https://${ADDRESS}:15017/inject` }
  await apply({
    ...registered,
    webhooks: objectsOf(registered['webhooks']).map((entry) => ({ ...entry, clientConfig, timeoutSeconds: 30 })),
  })
})
after(async () => {
  await node.kubectl(['delete', 'mutatingwebhookconfiguration', 'sluice'])
  await node.exec(['sh', '-c', 'kill "$(cat "$1")"', 'sh', PID_FILE])
  await serving
  await node.kubectl(['taint', 'node', 'node', 'sluice-mesh.io/not-ready-'])
})

async function grace(coverageGrace: string): Promise<void> {
  const policy = JSON.stringify({ coverageGrace, taint: { maxShare: 1 } })
  await apply(given.configMap(SLUICE, 'sluice-policy', { policy }))
}

async function agentIsOf(image: string): Promise<void> {
  const change = [{ op: 'replace', path: '/spec/template/spec/containers/0/image', value: image }]
  await kubectl('-n', SLUICE, 'patch', 'daemonset', AGENT, '--type=json', '-p', JSON.stringify(change))
}

/** What the node carries of Sluice's: labels and taints. */
async function marks(): Promise<readonly string[]> {
  const { metadata, spec } = objectOr(JSON.parse(await kubectl('get', 'node', 'node', '-o', 'json')))
  const labels = Object.entries(objectOr(objectOr(metadata)['labels'])).map(
    ([key, value]) => `${key}=${stringOr(value) ?? ''}`,
  )
  const taints = objectsOf(objectOr(spec)['taints']).map(
    ({ key, effect }) => `${stringOr(key) ?? ''}:${stringOr(effect) ?? ''}`,
  )
  return [...labels, ...taints].filter((mark) => mark.startsWith('sluice-mesh.io/'))
}

async function untilMarked(...expected: readonly string[]): Promise<void> {
  const is = async (): Promise<boolean> => (await marks()).join() === expected.join()
  await waitFor(is, expected.join() || 'no marks', state)
}

/** What the webhook decides about a pod that nobody keeps, which may go to any node or none with a taint; its words where it refuses. */
async function decision(anywhere = false): Promise<string> {
  const plain = plainPod('asked')
  const tolerations = anywhere ? [{ operator: 'Exists' }] : []
  const spec = { ...objectOr(plain['spec']), tolerations }
  const pod = { ...plain, metadata: { name: 'asked', namespace: MESH }, spec }
  const asked = ['create', '--dry-run=server', '-o', 'json', '-f', '-']
  const { code, stdout, stderr } = await node.kubectl(asked, JSON.stringify(pod))
  if (code !== 0) return stderr
  const { annotations } = objectOr(objectOr(JSON.parse(stdout))['metadata'])
  return stringOr(objectOr(annotations)['sluice-mesh.io/decided']) ?? 'nothing'
}

async function untilDecided(mode: string, anywhere = false): Promise<void> {
  await waitFor(async () => (await decision(anywhere)) === mode, `a pod gets ${mode}`, state)
}

async function state(): Promise<string> {
  const pods = (await node.kubectl(['-n', SLUICE, 'describe', 'pods'])).stdout.slice(-2000)
  return [(await marks()).join(), await decision(), logEnd('webhook'), pods].join('\n')
}

test('an agent that is Ready has its node labelled, and pods get mode cni', async () => {
  await untilMarked(READY)
  await untilDecided('cni')
})

test('an agent that restarts within the grace changes no mark and no decision', async () => {
  const agent = await kubectl('-n', SLUICE, 'get', 'pods', '-o', 'jsonpath={.items[0].metadata.uid}')
  await kubectl('-n', SLUICE, 'delete', 'pods', '-l', `app.kubernetes.io/name=${AGENT}`, '--wait=false')
  let asked = 0
  const isAnother = async (): Promise<boolean> => {
    assert.deepEqual([await marks(), await decision()], [[READY], 'cni'])
    asked++
    const { items } = objectOr(JSON.parse(await kubectl('-n', SLUICE, 'get', 'pods', '-o', 'json')))
    return objectsOf(items).some(({ metadata, status }) => {
      const conditions = objectsOf(objectOr(status)['conditions'])
      const isReady = conditions.some((condition) => condition['type'] === 'Ready' && condition['status'] === 'True')
      return isReady && objectOr(metadata)['uid'] !== agent
    })
  }
  await waitFor(isAnother, 'another agent is Ready', state)
  assert.ok(asked > 1, 'it was asked while no agent was Ready')
})

test('gone beyond the grace the label goes and the taint comes; back, both are as before', async () => {
  await grace('1s')
  await agentIsOf(ABSENT)
  await untilMarked(TAINT)
  await untilDecided('init', true)
  assert.equal(await decision(), 'cni', 'the taint keeps this one for a node that is able')
  await agentIsOf(SLUICE_IMAGE)
  await untilMarked(READY)
  await untilDecided('cni')
})
