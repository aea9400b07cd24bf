import { projectNode, type NodeFacts } from '../decision/node-set.ts'
import { nodeSelection } from '../decision/placement/node-affinity.ts'
import { tolerates } from '../decision/placement/tolerations.ts'
import { annotationsOf, specOf } from '../json/pod.ts'
import { type JsonObject, objectOr, objectsOf, stringOr } from '../json/value.ts'
import { NODE_MARKS } from '../vocabulary/names.ts'
import { VIRTUAL_NODE_LABELS } from '../vocabulary/virtual-nodes.ts'
import { timeOf } from './agent-pod.ts'

/** What the leader knows of a node. */
export interface ManagedNode extends NodeFacts {
  readonly createdMs: number | undefined
  /** its own annotations there */
  readonly marks: { readonly [K in keyof typeof NODE_MARKS]: string | undefined }
}

/** The facts of one Node object. */
export function projectManagedNode(node: JsonObject): ManagedNode {
  const annotations = annotationsOf(node)
  return {
    ...projectNode(node),
    createdMs: timeOf(stringOr(objectOr(node['metadata'])['creationTimestamp'])),
    marks: {
      cni: annotations[NODE_MARKS.cni],
      ambient: annotations[NODE_MARKS.ambient],
      taint: annotations[NODE_MARKS.taint],
    },
  }
}

/** The agent's DaemonSet: which one it is and what the template of its pods asks of a node. */
export interface AgentSet {
  readonly name: string
  readonly uid: string
  /** nodeSelector, affinity and tolerations of its pods */
  readonly placement: JsonObject
}

export function projectAgentSet(daemonSet: JsonObject): AgentSet {
  const { name, uid } = objectOr(daemonSet['metadata'])
  const { nodeSelector, affinity, tolerations } = specOf(objectOr(specOf(daemonSet)['template']))
  return { name: stringOr(name) ?? '', uid: stringOr(uid) ?? '', placement: { nodeSelector, affinity, tolerations } }
}

/** Can there be an agent on the node at all? Not on Windows, not where there is no kernel, not where the DaemonSet does not go. */
export function canHaveAgent(node: ManagedNode, { placement }: AgentSet, ownTaints: readonly string[]): boolean {
  if (!node.linux) return false
  if (VIRTUAL_NODE_LABELS.some(({ key, value }) => Object.hasOwn(node.labels, key) && node.labels[key] === value))
    return false
  if (!nodeSelection(placement).allows(node)) return false
  const foreign = node.taints.filter(({ key }) => !ownTaints.includes(key) && !isKubernetesOwn(key))
  return tolerates(objectsOf(placement['tolerations']), foreign)
}

/** Conditions of a node, which come and go; the DaemonSet controller lets its pods tolerate them. */
function isKubernetesOwn(key: string): boolean {
  return key.startsWith('node.kubernetes.io/') || key.startsWith('node.cloudprovider.kubernetes.io/')
}
