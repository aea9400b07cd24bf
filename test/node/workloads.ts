import { encodeIntent } from '../../src/core/intent/codec.ts'
import { BARE_SIDECAR } from '../../src/core/intent/intent.ts'
import type { JsonObject } from '../../src/core/json/value.ts'
import { BOX_IMAGE, SLUICE_IMAGE } from '../../scripts/cluster/node-images.ts'

export const SLUICE = 'sluice-system'
export const AGENT = 'sluice-agent'

/** What the agent's container may do, as the chart gives it; a test shows each to be needed. */
export const CAPABILITIES = ['SYS_ADMIN', 'NET_ADMIN', 'SETUID', 'SETGID'] as const
export type Capability = (typeof CAPABILITIES)[number]

/** The folders of the node that the agent sees, and where. */
const FOLDERS = [
  { name: 'cni-bin', path: '/opt/cni/bin', at: '/opt/cni/bin' },
  { name: 'cni-conf', path: '/etc/cni/net.d', at: '/etc/cni/net.d' },
  { name: 'cni-cache', path: '/var/lib/cni', at: '/var/lib/cni', more: { readOnly: true } },
  { name: 'run', path: '/var/run/sluice', at: '/var/run/sluice' },
  // without propagation, namespaces that are made later are empty files
  {
    name: 'netns',
    path: '/run/netns',
    at: '/var/run/netns',
    more: { mountPropagation: 'HostToContainer', readOnly: true },
  },
  { name: 'proc', path: '/proc', at: '/host/proc', more: { readOnly: true } },
]

/** What a test changes of the agent's container. */
export interface AgentChange {
  readonly capabilities?: readonly Capability[]
  readonly env?: Readonly<Record<string, string>>
  /** a folder of the node, to read */
  readonly folder?: { readonly path: string; readonly at: string }
}

/** The namespace, the account with what it may read, and the DaemonSet of the agent. */
export function agentObjects(capabilities: readonly Capability[] = CAPABILITIES): readonly JsonObject[] {
  return changedAgent({ capabilities })
}

/** The same with a change. */
export function changedAgent(change: AgentChange): readonly JsonObject[] {
  const labels = { 'app.kubernetes.io/name': AGENT }
  const subjects = [{ kind: 'ServiceAccount', name: AGENT, namespace: SLUICE }]
  const group = 'rbac.authorization.k8s.io'
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: SLUICE } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: AGENT, namespace: SLUICE } },
    {
      apiVersion: `${group}/v1`,
      kind: 'ClusterRole',
      metadata: { name: AGENT },
      rules: [
        { apiGroups: [''], resources: ['pods', 'namespaces'], verbs: ['get', 'list', 'watch'] },
        { apiGroups: [''], resources: ['pods/status'], verbs: ['patch'] },
      ],
    },
    {
      apiVersion: `${group}/v1`,
      kind: 'ClusterRoleBinding',
      metadata: { name: AGENT },
      roleRef: { apiGroup: group, kind: 'ClusterRole', name: AGENT },
      subjects,
    },
    {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name: AGENT, namespace: SLUICE, labels },
      spec: {
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: agentPod(change) },
      },
    },
  ]
}

function agentPod({ capabilities = CAPABILITIES, env = {}, folder }: AgentChange): JsonObject {
  const extra = folder === undefined ? [] : [{ name: 'extra', ...folder, more: { readOnly: true } }]
  const folders = [...FOLDERS, ...extra]
  return {
    serviceAccountName: AGENT,
    hostNetwork: true,
    priorityClassName: 'system-node-critical',
    tolerations: [{ operator: 'Exists' }],
    terminationGracePeriodSeconds: 10,
    containers: [
      {
        name: 'agent',
        image: SLUICE_IMAGE,
        imagePullPolicy: 'Never',
        args: ['agent', '--health-listen', '127.0.0.1:8000'],
        env: [
          { name: 'SLUICE_NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
          { name: 'SLUICE_PROC', value: '/host/proc' },
          ...Object.entries(env).map(([name, value]) => ({ name, value })),
        ],
        readinessProbe: { httpGet: { host: '127.0.0.1', port: 8000, path: '/readyz' }, periodSeconds: 1 },
        livenessProbe: { httpGet: { host: '127.0.0.1', port: 8000, path: '/healthz' }, periodSeconds: 10 },
        securityContext: {
          runAsUser: 0,
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          seccompProfile: { type: 'RuntimeDefault' },
          capabilities: { drop: ['ALL'], add: [...capabilities] },
        },
        volumeMounts: folders.map(({ name, at, more }) => ({ name, mountPath: at, ...more })),
      },
    ],
    volumes: folders.map(({ name, path }) => ({ name, hostPath: { path, type: 'DirectoryOrCreate' } })),
  }
}

export const INTENT = encodeIntent({ ...BARE_SIDECAR, inboundPorts: '*', outboundCidrs: '*' })
export const PROMISED = { 'sluice-mesh.io/decided': 'cni', 'sluice-mesh.io/intent': INTENT } as const

/** A container of the box image; each of `serves` is an address and the name that the server there answers with. */
function box(name: string, user: number, serves: readonly (readonly [address: string, name: string])[]): JsonObject {
  const args = ['/box', ...serves.flatMap(([address, server]) => ['serve', address, server])]
  const securityContext = { runAsUser: user, runAsGroup: user }
  return { name, image: BOX_IMAGE, imagePullPolicy: 'Never', command: args, securityContext }
}

/** A pod with an application on port 8080 that no mesh knows. */
export function plainPod(name: string, annotations: Readonly<Record<string, string>> = {}): JsonObject {
  const containers = [box('app', 1000, [['0.0.0.0:8080', 'app']])]
  return podOf(name, annotations, containers)
}

/** The same as the webhook would have left it, with a stand-in for the proxy that says what it was asked for. */
export function meshPod(name: string): JsonObject {
  const proxy = box('istio-proxy', 1337, [
    ['0.0.0.0:15001', 'outbound'],
    ['0.0.0.0:15006', 'inbound'],
  ])
  return podOf(name, PROMISED, [box('app', 1000, [['0.0.0.0:8080', 'app']]), proxy])
}

/** A sidecar pod that only Istio injected: what is to be redirected stands in its spec, which the agent knows by its watch. */
export function istioPod(name: string): JsonObject {
  const annotations = {
    'sidecar.istio.io/status': '{"initContainers":["istio-validation"],"containers":["istio-proxy"]}',
  }
  return { ...meshPod(name), metadata: { name, annotations } }
}

function podOf(
  name: string,
  annotations: Readonly<Record<string, string>>,
  containers: readonly JsonObject[],
): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, annotations },
    spec: { containers, terminationGracePeriodSeconds: 1 },
  }
}
