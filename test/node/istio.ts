import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ISTIO_CNI_IMAGE } from '../../scripts/cluster/node-images.ts'
import type { JsonObject } from '../../src/core/json/value.ts'
import { apply, inNamespace, kubectl, node, run, waitFor, write } from './cluster.ts'

/** Stand-ins for Istio's own injector and CNI agent on the node: what a cluster has before Sluice comes. */
const ISTIO = 'istio-system'
const PORT = '15017'
const NODE_ADDRESS = '192.168.77.1'

/** DaemonSet, account and rights of istio-cni, by their real names. */
function cniObjects(): readonly JsonObject[] {
  const name = 'istio-cni'
  const group = 'rbac.authorization.k8s.io'
  const mounts = [
    { name: 'bin', path: '/opt/cni/bin', at: '/host/opt/cni/bin' },
    { name: 'net', path: '/etc/cni/net.d', at: '/host/etc/cni/net.d' },
    { name: 'run', path: '/var/run/istio-cni', at: '/var/run/istio-cni' },
  ]
  const labels = { 'k8s-app': 'istio-cni-node' }
  const pod = {
    serviceAccountName: name,
    priorityClassName: 'system-node-critical',
    tolerations: [{ operator: 'Exists' }],
    containers: [
      {
        ...{ name: 'install-cni', image: ISTIO_CNI_IMAGE, imagePullPolicy: 'Never' },
        env: [{ name: 'POD_NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } }],
        volumeMounts: mounts.map(({ name: volume, at }) => ({ name: volume, mountPath: at })),
      },
    ],
    volumes: mounts.map(({ name: volume, path }) => ({
      name: volume,
      hostPath: { path, type: 'DirectoryOrCreate' },
    })),
  }
  return [
    ...inNamespace(ISTIO, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } }),
    {
      ...{ apiVersion: `${group}/v1`, kind: 'ClusterRole', metadata: { name } },
      rules: [{ apiGroups: [''], resources: ['pods', 'nodes', 'namespaces'], verbs: ['get', 'list', 'watch'] }],
    },
    {
      ...{ apiVersion: `${group}/v1`, kind: 'ClusterRoleBinding', metadata: { name } },
      roleRef: { apiGroup: group, kind: 'ClusterRole', name },
      subjects: [{ kind: 'ServiceAccount', name, namespace: ISTIO }],
    },
    ...inNamespace(ISTIO, {
      ...{ apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name: 'istio-cni-node', labels } },
      spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: pod } },
    }),
  ]
}

/** Istio's injector under the tag `old`: asked about namespaces with that revision, and about nobody else. */
function injector(): JsonObject {
  const caBundle = readFileSync(join(node.directory, 'ca.crt')).toString('base64')
  return {
    ...{ apiVersion: 'admissionregistration.k8s.io/v1', kind: 'MutatingWebhookConfiguration' },
    metadata: { name: 'istio-revision-tag-old', labels: { 'istio.io/tag': 'old', app: 'sidecar-injector' } },
    webhooks: [
      {
        name: 'rev.namespace.sidecar-injector.istio.io',
        clientConfig: { url: `https://${NODE_ADDRESS}:${PORT}/inject`, caBundle },
        namespaceSelector: {
          matchExpressions: [
            { key: 'istio.io/rev', operator: 'In', values: ['old'] },
            { key: 'istio-injection', operator: 'DoesNotExist' },
          ],
        },
        objectSelector: {
          matchExpressions: [{ key: 'sidecar.istio.io/inject', operator: 'NotIn', values: ['false'] }],
        },
        rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
        ...{ failurePolicy: 'Fail', sideEffects: 'None', admissionReviewVersions: ['v1'] },
      },
    ],
  }
}

/** Starts both, and gives what takes every trace of them away. */
export async function startIstio(): Promise<() => Promise<void>> {
  const program = join(import.meta.dirname, 'programs/istiod.ts')
  const files = ['server.crt', 'server.key'].map((file) => join(node.directory, file))
  const words = [process.execPath, program, ...files, PORT]
  const started = await run('sh', '-c', '"$@" >/dev/null 2>&1 & echo $!', 'sh', ...words)
  await apply(...cniObjects(), injector())
  await kubectl('-n', ISTIO, 'rollout', 'status', 'daemonset/istio-cni-node', '--timeout=120s')
  return async () => {
    const all = [...cniObjects(), injector()].map(({ apiVersion, kind, metadata }) => ({ apiVersion, kind, metadata }))
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: all })
    await node.kubectl(['delete', '--ignore-not-found', '--wait', '--timeout=120s', '-f', '-'], list)
    await node.exec(['kill', started.trim()])
  }
}

const CONFLIST = '/etc/cni/net.d/10-node.conflist'

interface List {
  readonly plugins: readonly { readonly type: string }[]
}

async function list(): Promise<List> {
  return JSON.parse(await run('cat', CONFLIST)) as List
}

/** The types of the plugins that the runtime calls, in their order. */
export async function chain(): Promise<readonly string[]> {
  return (await list()).plugins.map(({ type }) => type)
}

/** The node as it was before Istio and Sluice, whatever a former file of the suite left. */
export async function bareNode(): Promise<void> {
  const there = await list()
  const plugins = there.plugins.filter(({ type }) => type !== 'sluice-cni' && type !== 'istio-cni')
  await write(CONFLIST, JSON.stringify({ ...there, plugins }))
  await run('rm', '-f', '/opt/cni/bin/sluice-cni.uninstalled', '/var/run/sluice/installer-history.json')
}

export async function waitForChain(...wanted: readonly string[]): Promise<void> {
  const expected = ['ptp', 'portmap', ...wanted].join()
  await waitFor(
    async () => (await chain()).join() === expected,
    `the chain is ${expected}`,
    async () => (await chain()).join(),
  )
}
