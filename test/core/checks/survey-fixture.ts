import type { Known, OwnPodTrial, Survey } from '../../../src/core/checks/survey.ts'
import type { NodeFacts } from '../../../src/core/decision/node-set.ts'
import type { NodeSystem } from '../../../src/core/checks/node-system.ts'
import type { JsonObject } from '../../../src/core/json/value.ts'
import { AUDIENCE, OURS } from '../registration/webhooks-fixture.ts'

export const NOW = Date.parse('2026-06-01T00:00:00Z')
export const DAY = 86_400_000
export const known = <T>(value: T): Known<T> => ({ is: 'known', value })
export const UNREAD = { is: 'unknown', why: 'GET /x: 403 Forbidden' } as const

export function pod(name: string, ready: boolean, ambient?: 'True' | 'False'): JsonObject {
  const conditions = [
    { type: 'Ready', status: ready ? 'True' : 'False' },
    ...(ambient === undefined ? [] : [{ type: 'sluice-mesh.io/ambient', status: ambient, reason: 'ztunnel_absent' }]),
  ]
  return { metadata: { name }, spec: { nodeName: `node-of-${name}` }, status: { conditions } }
}

export function phased(name: string, phase: string, status: JsonObject = {}): JsonObject {
  return { ...pod(name, false), status: { phase, ...status } }
}

export function waiting(name: string): JsonObject {
  return phased(name, 'Running', { containerStatuses: [{ state: { waiting: { reason: 'CrashLoopBackOff' } } }] })
}

/** An agent that finds ztunnel's socket taken. */
export function owned(agent: JsonObject): JsonObject {
  const condition = { type: 'sluice-mesh.io/ambient', status: 'False', reason: 'ztunnel_socket_owned' }
  return { ...agent, status: { conditions: [condition] } }
}

export function daemonSet(name: string, labels: Readonly<Record<string, string>>, wanted = 1): JsonObject {
  return { metadata: { name, namespace: 'sluice-system', labels }, status: { desiredNumberScheduled: wanted } }
}

export function node(name: string, over: Partial<NodeFacts> = {}): NodeFacts {
  const labels = { 'sluice-mesh.io/cni': 'ready' }
  return {
    name,
    labels,
    taints: [],
    linux: true,
    unschedulable: false,
    ready: true,
    kubeletVersion: 'v1.34.0',
    ...over,
  }
}

export function system(name: string, over: Partial<NodeSystem> = {}): NodeSystem {
  return {
    name,
    labels: {},
    linux: true,
    kernel: '6.1.0-28-amd64',
    runtime: 'containerd://1.6.20~ds1',
    osImage: 'Debian GNU/Linux 12 (bookworm)',
    kubelet: 'v1.34.0',
    ...over,
  }
}

export function systems(...over: readonly Partial<NodeSystem>[]): Partial<Survey> {
  return { nodeSystems: known(over.map((one, index) => system(`n${index + 1}`, one))) }
}

export const FARGATE = { 'eks.amazonaws.com/compute-type': 'fargate' }

export function namespace(name: string, labels: Readonly<Record<string, string>> = {}): Survey['namespaces'] {
  return known([{ name, labels, annotations: {} }])
}

export const AGENT = daemonSet('sluice-agent', { 'app.kubernetes.io/name': 'sluice-agent' })
export const ZTUNNEL = daemonSet('ztunnel', { 'app.kubernetes.io/name': 'ztunnel' })
export const ISTIO_CNI = daemonSet('istio-cni-node', { 'k8s-app': 'istio-cni-node' })
export const PRIVILEGED_NAMESPACE = {
  name: 'sluice-system',
  labels: { 'pod-security.kubernetes.io/enforce': 'privileged' },
  annotations: {},
}

export function trial(component: OwnPodTrial['component'], over: Partial<OwnPodTrial> = {}): OwnPodTrial {
  return { component, namespace: 'sluice-system', triedIn: 'sluice-system', refusal: undefined, ...over }
}

export const WELL: Survey = {
  now: NOW,
  audience: AUDIENCE,
  sluiceNamespace: 'sluice-system',
  istioNamespace: 'istio-system',
  version: known('v1.34.2'),
  admissionKinds: known(['validatingadmissionpolicies']),
  installRights: known([{ verb: 'create', resource: 'namespaces', allowed: true }]),
  readRights: known([{ verb: 'list', resource: 'pods', allowed: true }]),
  namespaces: known([PRIVILEGED_NAMESPACE, { name: 'istio-system', labels: {}, annotations: {} }]),
  nodes: known([node('a')]),
  nodeSystems: known([system('a')]),
  problems: known(new Map()),
  webhooks: known([OURS]),
  caBundles: known([{ entry: 'x', notAfter: NOW + 100 * DAY }]),
  boundPolicies: known(['sluice-guard', 'sluice-seal', 'sluice-fence']),
  daemonSets: known([AGENT, ZTUNNEL]),
  cilium: known(undefined),
  otherAgentPods: known([]),
  agentPods: known([pod('a', true, 'True')]),
  webhookPods: known([pod('a', true), pod('b', true)]),
  probe: known({ is: 'answered', mode: 'cni' }),
  ownPods: known([trial('webhook'), trial('agent')]),
}

/** A namespaceSelector with one condition more, as a platform leaves it. */
export function narrowed(): JsonObject {
  const [first] = OURS['webhooks'] as readonly JsonObject[]
  return {
    ...OURS,
    webhooks: [
      { ...first, namespaceSelector: { matchExpressions: [{ key: 'control-plane', operator: 'DoesNotExist' }] } },
    ],
  }
}
