import { join } from 'node:path'
import { type JsonObject, objectOr, objectsOf, stringOr } from '../../src/core/json/value.ts'
import * as given from '../app/webhook/cluster.ts'
import { apply, kubectl, logEnd, node, waitFor } from './cluster.ts'
import { shipped } from '../../scripts/cluster/shipped.ts'
import { NODE_DIRECTORY } from './place.ts'
import { plainPod, SLUICE } from './workloads.ts'

/** A webhook that may lead, on the node's own address: in the namespaces of the node, with which it ends in any case. */
export const ADDRESS = '192.168.77.1'
export const METRICS_PORT = 15114
export const READY = 'sluice-mesh.io/cni=ready'
export const TAINT = 'sluice-mesh.io/not-ready:NoSchedule'
const PID_FILE = join(NODE_DIRECTORY, 'webhook.pid')

/** Starts and registers it; gives what ends it and takes every trace of it away. */
export async function startWebhook(): Promise<() => Promise<void>> {
  await apply(...given.cluster().filter(({ kind }) => kind === 'ConfigMap'))
  const program = join(import.meta.dirname, '../../bin/sluice.mjs')
  const webhook = [program, 'webhook', '--leader', '--listen', `${ADDRESS}:15017`, '--dns-names', ADDRESS]
  const flags = ['--metrics-listen', `127.0.0.1:${METRICS_PORT}`, '--certs-dir', join(NODE_DIRECTORY, 'certs')]
  const log = join(NODE_DIRECTORY, 'log/webhook.log')
  const script = 'echo $$ >"$1"; log=$2; shift 2; exec "$@" >"$log" 2>&1'
  const serving = node.exec(['sh', '-c', script, 'sh', PID_FILE, log, process.execPath, ...webhook, ...flags])
  const clientConfig = { url: `https://${ADDRESS}:15017/inject` }
  await apply(
    ...shipped('mutating').map((registered) => ({
      ...registered,
      webhooks: objectsOf(registered['webhooks']).map((entry) => ({ ...entry, clientConfig, timeoutSeconds: 30 })),
    })),
  )
  return async () => {
    await node.kubectl(['delete', 'mutatingwebhookconfiguration', 'sluice'])
    await node.exec(['sh', '-c', 'kill "$(cat "$1")"', 'sh', PID_FILE])
    await serving
    await node.kubectl(['taint', 'node', 'node', 'sluice-mesh.io/not-ready-'])
  }
}

/** How long a node may be unable before it loses its label. */
export async function grace(coverageGrace: string): Promise<void> {
  const policy = JSON.stringify({ coverageGrace, taint: { maxShare: 1 } })
  await apply(given.configMap(SLUICE, 'sluice-policy', { policy }))
}

/** What the node carries of Sluice's: labels and taints. */
export async function marks(): Promise<readonly string[]> {
  const { metadata, spec } = objectOr(JSON.parse(await kubectl('get', 'node', 'node', '-o', 'json')))
  const labels = Object.entries(objectOr(objectOr(metadata)['labels'])).map(
    ([key, value]) => `${key}=${stringOr(value) ?? ''}`,
  )
  const taints = objectsOf(objectOr(spec)['taints']).map(
    ({ key, effect }) => `${stringOr(key) ?? ''}:${stringOr(effect) ?? ''}`,
  )
  return [...labels, ...taints].filter((mark) => mark.startsWith('sluice-mesh.io/'))
}

export async function untilMarked(namespace: string, ...expected: readonly string[]): Promise<void> {
  const is = async (): Promise<boolean> => (await marks()).join() === expected.join()
  await waitFor(is, expected.join() || 'no marks', async () => await webhookState(namespace))
}

/** What the webhook decides about a pod that nobody keeps, which may go to any node or none with a taint; its words where it refuses. */
export async function decision(namespace: string, anywhere = false): Promise<string> {
  const plain = plainPod('asked')
  const tolerations = anywhere ? [{ operator: 'Exists' }] : []
  const spec = { ...objectOr(plain['spec']), tolerations }
  const pod: JsonObject = { ...plain, metadata: { name: 'asked', namespace }, spec }
  const asked = ['create', '--dry-run=server', '-o', 'json', '-f', '-']
  const { code, stdout, stderr } = await node.kubectl(asked, JSON.stringify(pod))
  if (code !== 0) return stderr
  const { annotations } = objectOr(objectOr(JSON.parse(stdout))['metadata'])
  return stringOr(objectOr(annotations)['sluice-mesh.io/decided']) ?? 'nothing'
}

export async function untilDecided(namespace: string, mode: string, anywhere = false): Promise<void> {
  const is = async (): Promise<boolean> => (await decision(namespace, anywhere)) === mode
  await waitFor(is, `a pod gets ${mode}`, async () => await webhookState(namespace))
}

/** For people. */
export async function webhookState(namespace: string): Promise<string> {
  const pods = (await node.kubectl(['-n', SLUICE, 'describe', 'pods'])).stdout.slice(-2000)
  return [(await marks()).join(), await decision(namespace), logEnd('webhook'), pods].join('\n')
}
