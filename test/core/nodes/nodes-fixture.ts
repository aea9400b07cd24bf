import { projectAgentPod } from '../../../src/core/nodes/agent-pod.ts'
import { projectAgentSet, projectManagedNode } from '../../../src/core/nodes/managed-node.ts'
import { nodePatch } from '../../../src/core/nodes/node-patch.ts'
import { type NodesPlan, planNodes } from '../../../src/core/nodes/plan.ts'
import { type JsonObject, objectOr } from '../../../src/core/json/value.ts'
import { DEFAULT_POLICY, type Policy } from '../../../src/core/settings/policy.ts'

export const NOW = Date.parse('2030-01-01T12:00:00Z')
export const AGENT_SET_UID = 'd5'
/** `minutes` before now, as the API writes it */
export const ago = (minutes: number): string => new Date(NOW - minutes * 60_000).toISOString().replace('.000Z', 'Z')

/** A Linux node that is an hour old. */
export function node(
  name: string,
  over: { readonly metadata?: JsonObject; readonly spec?: JsonObject } = {},
): JsonObject {
  const { labels, ...metadata } = over.metadata ?? {}
  return {
    metadata: {
      name,
      resourceVersion: '7',
      creationTimestamp: ago(60),
      labels: { 'kubernetes.io/os': 'linux', ...objectOr(labels) },
      ...metadata,
    },
    spec: over.spec ?? {},
    status: { conditions: [{ type: 'Ready', status: 'True' }] },
  }
}

export const LABELS = { cni: 'sluice-mesh.io/cni', ambient: 'sluice-mesh.io/ambient' } as const
export const READY = { [LABELS.cni]: 'ready', [LABELS.ambient]: 'ready' }
export const TAINT = { key: 'sluice-mesh.io/not-ready', effect: 'NoSchedule' }

/** The DaemonSet as the chart makes it: on every Linux node, whatever its taints. */
export function agentSet(placement: JsonObject = {}): JsonObject {
  const everywhere = { nodeSelector: { 'kubernetes.io/os': 'linux' }, tolerations: [{ operator: 'Exists' }] }
  return {
    metadata: { name: 'sluice-agent', uid: AGENT_SET_UID },
    spec: { template: { spec: { ...everywhere, ...placement } } },
  }
}

export interface AgentPodOptions {
  readonly ready?: boolean
  readonly ambient?: boolean
  readonly minutes?: number
  readonly over?: { readonly metadata?: JsonObject; readonly spec?: JsonObject }
}

/** The agent's pod on a node, in these conditions for so many minutes. */
export function agentPod(
  on: string,
  { ready = true, ambient = true, minutes = 30, over = {} }: AgentPodOptions = {},
): JsonObject {
  const condition = (type: string, is: boolean): JsonObject => ({
    type,
    status: is ? 'True' : 'False',
    lastTransitionTime: ago(minutes),
  })
  return {
    metadata: {
      name: `sluice-agent-${on}`,
      namespace: 'sluice-system',
      labels: { 'app.kubernetes.io/name': 'sluice-agent' },
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'sluice-agent', uid: AGENT_SET_UID, controller: true },
      ],
      ...over.metadata,
    },
    spec: {
      nodeName: on,
      serviceAccountName: 'sluice-agent',
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [on] }] }],
          },
        },
      },
      ...over.spec,
    },
    status: { conditions: [condition('Ready', ready), condition('sluice-mesh.io/ambient', ambient)] },
  }
}

export interface Cluster {
  readonly nodes: readonly JsonObject[]
  readonly agentPods?: readonly JsonObject[]
  readonly agentSet?: JsonObject | null
  readonly policy?: Partial<Policy>
  readonly nowMs?: number
}

/** The plan for API objects as they are. */
export function planFor({
  nodes,
  agentPods = [],
  agentSet: set = agentSet(),
  policy = {},
  nowMs = NOW,
}: Cluster): NodesPlan {
  return planNodes({
    nodes: nodes.map(projectManagedNode),
    agentPods: agentPods.map(projectAgentPod),
    agentSet: set === null ? undefined : projectAgentSet(set),
    policy: { ...DEFAULT_POLICY, ...policy },
    nowMs,
  })
}

/** The nodes after the plan was carried out, by the very patches that the API server gets. */
export function carriedOut(cluster: Cluster): readonly JsonObject[] {
  const { steps } = planFor(cluster)
  return cluster.nodes.map((one) => {
    const step = steps.find(({ node: name }) => name === objectOr(one['metadata'])['name'])
    return step === undefined ? one : (merged(one, nodePatch(one, step)) as JsonObject)
  })
}

/** JSON merge patch, RFC 7396. */
function merged(before: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch
  const after: Record<string, unknown> = { ...objectOr(before) }
  for (const [key, value] of Object.entries(patch))
    if (value === null) Reflect.deleteProperty(after, key)
    else after[key] = merged(after[key], value)
  return after
}
