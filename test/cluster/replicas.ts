import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type ApiServer, createNamespace, startApiServer } from '../../scripts/cluster/api-server.ts'
import type { WebhookOptions } from '../../src/app/webhook/options.ts'
import type { Seams } from '../../src/app/webhook/start.ts'
import { shipped } from '../../scripts/cluster/shipped.ts'
import { type JsonObject, objectOr, objectsOf, stringOr } from '../../src/core/json/value.ts'
import { rolesOf } from '../../src/core/registration/roles.ts'
import { WEBHOOK_RIGHTS } from '../../src/core/vocabulary/rights.ts'
import { type ClusterClient, createClient } from '../../src/edge/cluster/client.ts'
import { type Connection, inClusterConnection } from '../../src/edge/cluster/connection.ts'
import { kubeconfigConnection } from '../../src/edge/cluster/kubeconfig.ts'
import type { Resource } from '../../src/edge/cluster/resource.ts'
import * as given from '../app/webhook/cluster.ts'
import { serve, type Serving } from '../app/webhook/serving.ts'

export const RESOURCES = {
  node: { group: '', version: 'v1', plural: 'nodes' },
  pod: { group: '', version: 'v1', plural: 'pods' },
  secret: { group: '', version: 'v1', plural: 'secrets' },
  lease: { group: 'coordination.k8s.io', version: 'v1', plural: 'leases' },
  event: { group: 'events.k8s.io', version: 'v1', plural: 'events' },
  daemonSet: { group: 'apps', version: 'v1', plural: 'daemonsets' },
  mutating: { group: 'admissionregistration.k8s.io', version: 'v1', plural: 'mutatingwebhookconfigurations' },
  validating: { group: 'admissionregistration.k8s.io', version: 'v1', plural: 'validatingwebhookconfigurations' },
} as const satisfies Record<string, Resource>

/** A real API server with what an installation of Sluice finds there, and the webhook's account with its rights alone. */
export interface Installed {
  readonly api: ApiServer
  /** of an administrator */
  readonly admin: ClusterClient
  /** of the webhook's service account, by the roles that are made from the table of rights */
  readonly account: Connection
  /** the DaemonSet of the agent, as the API server stored it */
  readonly agentSet: JsonObject
  readonly apply: (...objects: readonly JsonObject[]) => Promise<void>
  /** Starts a replica of the webhook that follows the API server, may lead, and shares the CA with the others. */
  readonly replica: (t: TestContext, over?: Partial<WebhookOptions>, seams?: Seams) => Promise<Serving>
  readonly stop: () => Promise<void>
}

/** Quick where nothing of what is tested depends on it; the bounds of leases stay far above what a loaded machine needs. */
export const LIMITS = {
  turns: { lookMs: 50, againMs: 300, anywayMs: 2_000 },
  // budgets are not to come back while a test looks
  minuteMs: 30 * 60_000,
  election: { leaseMs: 8_000, renewMs: 6_000, everyMs: 400 },
}

/** Installs everything but the webhook itself. */
export async function install(): Promise<Installed> {
  const api = await startApiServer()
  const directory = mkdtempSync(join(tmpdir(), 'sluice-account-'))
  const stop = async (): Promise<void> => {
    await api.stop()
    rmSync(directory, { recursive: true, force: true })
  }
  try {
    const admin = createClient(await kubeconfigConnection({ file: api.kubeconfig }), { timeoutMs: 60_000 })
    const apply = async (...objects: readonly JsonObject[]): Promise<void> => {
      const { code, stderr } = await api.kubectl(
        ['apply', '-f', '-'],
        objects.map((object) => JSON.stringify(object)).join('\n---\n'),
      )
      if (code !== 0) throw new Error(stderr)
    }
    for (const name of ['istio-system', 'sluice-system']) await createNamespace(api, name)
    await createNamespace(api, 'mesh', { 'istio-injection': 'enabled' })
    await createNamespace(api, 'ambient', { 'istio.io/dataplane-mode': 'ambient' })
    await apply(
      ...given.cluster().filter(({ kind }) => kind === 'ConfigMap'),
      ...['sluice-webhook', 'sluice-agent'].map(accountOf),
      daemonSet('sluice-agent', 'sluice-system'),
      daemonSet('ztunnel', 'istio-system'),
      ...rolesOf(WEBHOOK_RIGHTS, {
        name: 'sluice-webhook',
        account: { namespace: 'sluice-system', name: 'sluice-webhook' },
        namespaces: { sluice: 'sluice-system', istio: 'istio-system' },
        suffix: '',
        conditions: ['always', 'leader', 'ca-secret'],
      }),
    )
    const token = await api.kubectl(['create', 'token', 'sluice-webhook', '-n', 'sluice-system', '--duration', '2h'])
    writeFileSync(join(directory, 'ca.crt'), api.ca)
    writeFileSync(join(directory, 'token'), token.stdout)
    const { hostname: host, port } = new URL(api.url)
    const account = inClusterConnection({ directory, host, port })
    const sets = { resource: RESOURCES.daemonSet, namespace: 'sluice-system', name: 'sluice-agent' }
    return {
      api,
      admin,
      account,
      agentSet: await admin.get(sets),
      apply,
      replica: async (t, over = {}, seams = {}) => await replica(t, account, over, seams),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** A replica of the account that `connection` is of. */
export async function replica(
  t: TestContext,
  connection: Connection,
  over: Partial<WebhookOptions> = {},
  seams: Seams = {},
): Promise<Serving> {
  const watch = { firstMs: 20, maxMs: 500 }
  const secret = { namespace: 'sluice-system', name: 'sluice-ca' }
  return await serve(
    t,
    {
      facts: { from: 'cluster', connection, watch, leader: { leads: true, name: 'replica', limits: LIMITS } },
      certificates: { from: 'secret', connection, secret, names: ['127.0.0.1'] },
      ...over,
    },
    seams,
  )
}

function accountOf(name: string): JsonObject {
  return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace: 'sluice-system' } }
}

/** A DaemonSet on every Linux node that has a kernel, whatever its taints. */
function daemonSet(name: string, namespace: string): JsonObject {
  const labels = { 'app.kubernetes.io/name': name }
  const spec = {
    nodeSelector: { 'kubernetes.io/os': 'linux' },
    tolerations: [{ operator: 'Exists' }],
    containers: [{ name: 'a', image: 'registry.example/a:1' }],
  }
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name, namespace, labels },
    spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  }
}

/** The objects that register the webhook, and which part of the manifest they are. */
export const CONFIGURATIONS = [
  ['mutating', RESOURCES.mutating, 'sluice'],
  ['validating', RESOURCES.validating, 'sluice-explain'],
] as const

/** Registers a replica as manifests/ does, but on loopback; whoever applies it again changes nothing of what others own. */
export async function register(installed: Installed, serving: Serving, caBundle?: string): Promise<void> {
  await registerAt(installed, `https://127.0.0.1:${serving.webhook.address.port}/inject`, caBundle)
}

/** Registers a webhook at this address. */
export async function registerAt({ api }: Installed, url: string, caBundle?: string): Promise<void> {
  const clientConfig = { url, ...(caBundle === undefined ? {} : { caBundle }) }
  const objects = CONFIGURATIONS.flatMap(([part]) => shipped(part)).map((object) => ({
    ...object,
    webhooks: objectsOf(object['webhooks']).map((entry) => ({ ...entry, clientConfig, timeoutSeconds: 30 })),
  }))
  const { code, stderr } = await api.kubectl(
    ['apply', '--server-side', '--field-manager', 'helm', '-f', '-'],
    objects.map((object) => JSON.stringify(object)).join('\n---\n'),
  )
  if (code !== 0) throw new Error(stderr)
}

/** Makes nodes as their kubelets would: Ready, and without the taint that a controller takes away. */
export async function createReadyNodes(
  { admin }: Installed,
  names: readonly string[],
  labels: Readonly<Record<string, string>> = { 'kubernetes.io/os': 'linux' },
): Promise<void> {
  await eachOf(names, async (name) => {
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name, labels } }
    await admin.create({ resource: RESOURCES.node }, node)
    const status = {
      conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady', message: '' }],
      nodeInfo: { kubeletVersion: 'v1.34.0', operatingSystem: labels['kubernetes.io/os'] ?? '' },
    }
    await admin.patch({ resource: RESOURCES.node, name, subresource: 'status' }, 'merge', { status })
    await admin.patch({ resource: RESOURCES.node, name }, 'merge', { spec: { taints: null } })
  })
}

export interface AgentOn {
  readonly ready: boolean
  /** since when, in minutes before now */
  readonly minutes?: number
  readonly name?: string
}

/** Makes the agent's pod of a node as the DaemonSet controller does, and its status as the kubelet does. */
export async function createAgentPod(installed: Installed, node: string, how: AgentOn): Promise<void> {
  const { admin, agentSet } = installed
  const { uid } = objectOr(agentSet['metadata'])
  const name = how.name ?? `sluice-agent-${node}`
  await admin.create(
    { resource: RESOURCES.pod, namespace: 'sluice-system' },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name,
        namespace: 'sluice-system',
        labels: { 'app.kubernetes.io/name': 'sluice-agent' },
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'sluice-agent', uid, controller: true }],
      },
      spec: {
        nodeName: node,
        serviceAccountName: 'sluice-agent',
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] }],
            },
          },
        },
        tolerations: [{ operator: 'Exists' }],
        containers: [{ name: 'a', image: 'registry.example/a:1' }],
      },
    },
  )
  await reportAgent(installed, name, how)
}

/** The kubelet's word on the pod, and the agent's own. */
export async function reportAgent({ admin }: Installed, name: string, { ready, minutes = 0 }: AgentOn): Promise<void> {
  const status = ready ? 'True' : 'False'
  const lastTransitionTime = new Date(Date.now() - minutes * 60_000).toISOString().replace(/\.\d+Z/, 'Z')
  const conditions = ['Ready', 'sluice-mesh.io/ambient'].map((type) => ({ type, status, lastTransitionTime }))
  await admin.patch({ resource: RESOURCES.pod, namespace: 'sluice-system', name, subresource: 'status' }, 'merge', {
    status: { phase: 'Running', conditions },
  })
}

/** Takes a pod of Sluice's namespace away at once: no kubelet is there to end it. */
export async function removePod({ api }: Installed, name: string): Promise<void> {
  const { code, stderr } = await api.kubectl([
    'delete',
    'pod',
    name,
    '-n',
    'sluice-system',
    '--force',
    '--grace-period=0',
  ])
  if (code !== 0) throw new Error(stderr)
}

/** Does something to each, a few at a time. */
export async function eachOf<T>(all: readonly T[], act: (one: T) => Promise<void>): Promise<void> {
  const left = [...all]
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (let one = left.shift(); one !== undefined; one = left.shift()) await act(one)
    }),
  )
}

/** What the leader has made of a node, in short. */
export async function nodeShows({ admin }: Installed, name: string): Promise<string> {
  const node = await admin.get({ resource: RESOURCES.node, name })
  const { labels, annotations } = objectOr(node['metadata'])
  const own = (map: unknown): readonly string[] =>
    Object.entries(objectOr(map)).flatMap(([key, value]) =>
      key.startsWith('sluice-mesh.io/') ? [`${key.slice(15)}=${stringOr(value) ?? ''}`] : [],
    )
  const taints = (objectOr(node['spec'])['taints'] ?? []) as readonly JsonObject[]
  const kept = taints.map(({ key, effect }) => `${stringOr(key) ?? ''}:${stringOr(effect) ?? ''}`)
  const marks = own(annotations).map((mark) => mark.split('=')[0] ?? '')
  return [...own(labels), ...marks, ...kept].sort().join(' ')
}
