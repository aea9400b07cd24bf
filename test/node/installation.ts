import assert from 'node:assert/strict'
import { parseAllDocuments } from 'yaml'
import { renderChart } from '../../scripts/chart/helm.ts'
import { PROXY_IMAGE, SLUICE_IMAGE } from '../../scripts/cluster/node-images.ts'
import type { JsonObject } from '../../src/core/json/value.ts'
import { kubectl, makeNamespace, node, waitFor } from './cluster.ts'
import { AGENT, SLUICE } from './workloads.ts'

const [IMAGE_PATH = '', TAG = ''] = SLUICE_IMAGE.split(':')
const [HUB = '', IMAGE = ''] = IMAGE_PATH.split('/')

/** Arguments of helm for this node: the image that ships, and nothing pulled. */
export function chartArguments(...sets: readonly string[]): readonly string[] {
  const values = [`global.hub=${HUB}`, `global.image=${IMAGE}`, 'global.imagePullPolicy=Never', ...sets]
  return ['--set-string', `global.tag=${TAG}`, ...values.flatMap((value) => ['--set', value])]
}

/** What the chart renders for this node. */
export function chartObjects(...sets: readonly string[]): readonly JsonObject[] {
  const { ok, text } = renderChart(chartArguments(...sets), SLUICE)
  assert.ok(ok, text)
  return parseAllDocuments(text).flatMap((document) =>
    document.contents === null ? [] : [document.toJS() as JsonObject],
  )
}

/** As `helm` or a GitOps controller applies: what somebody else owns by now is a conflict, and fails. */
export async function applyChart(objects: readonly JsonObject[]): Promise<string> {
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects })
  const { code, stdout, stderr } = await node.kubectl(
    ['apply', '--server-side', '--field-manager=helm', '-f', '-'],
    list,
  )
  assert.equal(code, 0, stderr)
  return stdout
}

/** Takes away objects of Sluice that other files of the suite left, or the file that asks. */
export async function removeChart(): Promise<void> {
  const all = chartObjects().map(({ apiVersion, kind, metadata }) => ({ apiVersion, kind, metadata }))
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: all })
  await node.kubectl(['delete', '--ignore-not-found', '--wait', '--timeout=120s', '-f', '-'], list)
  await kubectl('delete', 'namespace', SLUICE, '--ignore-not-found', '--wait', '--timeout=120s')
}

/** Runs a command of this checkout where the cluster is. */
export async function sluice(...args: readonly string[]): Promise<{ readonly code: number; readonly stdout: string }> {
  return await node.exec([process.execPath, `${process.cwd()}/src/main.ts`, ...args])
}

/** What istiod keeps in a cluster, as far as pods depend on it; its image is one with a real Envoy. */
export async function pretendIstiod(): Promise<void> {
  await makeNamespace('istio-system')
  const values = { global: { ...PROXY_IMAGE, imagePullPolicy: 'Never', istioNamespace: 'istio-system' }, revision: '' }
  const configMap = (name: string, data: Readonly<Record<string, string>>): JsonObject => ({
    ...{ apiVersion: 'v1', kind: 'ConfigMap' },
    metadata: { name, namespace: 'istio-system' },
    data,
  })
  const list = [
    configMap('istio', { mesh: 'trustDomain: cluster.local\nenablePrometheusMerge: false\n' }),
    configMap('istio-sidecar-injector', {
      config: 'policy: enabled\ndefaultTemplates: [sidecar]\n',
      values: JSON.stringify(values),
    }),
  ]
  const text = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: list })
  const { code, stderr } = await node.kubectl(['apply', '-f', '-'], text)
  assert.equal(code, 0, stderr)
}

/** A namespace whose pods join the mesh, with the root certificate that istiod puts into each. */
export async function meshNamespace(name: string, labels: Readonly<Record<string, string>> = {}): Promise<void> {
  await makeNamespace(name, { 'istio-injection': 'enabled', ...labels })
  await node.kubectl(['-n', name, 'create', 'configmap', 'istio-ca-root-cert', '--from-literal=root-cert.pem=none'])
}

/** Waits until webhook and agent work, and the leader has said so of the node. */
export async function installed(): Promise<void> {
  const say = async (): Promise<string> => {
    const logs = [`deployment/sluice-webhook`, `daemonset/${AGENT}`].map(
      async (what) => (await node.kubectl(['-n', SLUICE, 'logs', what, '--tail=15'])).stdout,
    )
    const described = (await node.kubectl(['-n', SLUICE, 'describe', 'pods'])).stdout.slice(-6000)
    return [described, ...(await Promise.all(logs))].join('\n')
  }
  const isRolled = async (what: string): Promise<boolean> =>
    (await node.kubectl(['-n', SLUICE, 'rollout', 'status', what, '--timeout=2s'])).code === 0
  await waitFor(async () => await isRolled('deployment/sluice-webhook'), 'the webhook works', say)
  await waitFor(async () => await isRolled(`daemonset/${AGENT}`), 'the agent works', say)
  const path = 'jsonpath={.metadata.labels.sluice-mesh\\.io/cni}'
  await waitFor(
    async () => (await kubectl('get', 'node', 'node', '-o', path)) === 'ready',
    'the node is said to be able',
    say,
  )
}
