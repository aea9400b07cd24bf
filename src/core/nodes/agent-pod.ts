import { nodeSelection } from '../decision/placement/node-affinity.ts'
import { annotationsOf, specOf } from '../json/pod.ts'
import { type JsonObject, objectOr, objectsOf, stringOr } from '../json/value.ts'
import { AGENT_DAEMON_SET, KUBERNETES_NAMES, POD_CONDITIONS, SERVICE_ACCOUNTS } from '../vocabulary/names.ts'

/** A condition of a pod's status, as far as the leader reads it. */
export interface Condition {
  readonly isTrue: boolean
  /** since when it is as it is, in milliseconds since 1970; undefined where that is not told */
  readonly sinceMs: number | undefined
}

/** What is kept of a pod that carries the agent's label. */
export interface AgentPod {
  readonly name: string
  /** where it is bound; empty before */
  readonly node: string
  readonly serviceAccount: string
  /** the DaemonSet that controls it */
  readonly controller: { readonly name: string; readonly uid: string } | undefined
  /** the nodes that its required affinity names: one, as the DaemonSet controller makes it */
  readonly meantFor: readonly string[]
  readonly isMirror: boolean
  /** the node can do `cni` */
  readonly ready: Condition
  /** the node can do `ambient` */
  readonly ambient: Condition
}

/** The facts of one Pod object; what is missing or of another type counts as not there, hence as not able. */
export function projectAgentPod(pod: JsonObject): AgentPod {
  const spec = specOf(pod)
  const metadata = objectOr(pod['metadata'])
  const owner = objectsOf(metadata['ownerReferences']).find(({ controller }) => controller === true)
  const isDaemonSets = owner?.['kind'] === 'DaemonSet' && owner['apiVersion'] === 'apps/v1'
  return {
    name: stringOr(metadata['name']) ?? '',
    node: stringOr(spec['nodeName']) ?? '',
    serviceAccount: stringOr(spec['serviceAccountName']) ?? '',
    controller: isDaemonSets ? { name: stringOr(owner['name']) ?? '', uid: stringOr(owner['uid']) ?? '' } : undefined,
    meantFor: nodeSelection(spec).names ?? [],
    isMirror: Object.hasOwn(annotationsOf(pod), KUBERNETES_NAMES.mirrorPod),
    ready: conditionOf(pod, 'Ready'),
    ambient: conditionOf(pod, POD_CONDITIONS.ambient),
  }
}

/** The condition of `type` in a pod's status; one that is not there is not true. */
export function conditionOf(pod: JsonObject, type: string): Condition {
  const found = objectsOf(objectOr(pod['status'])['conditions']).find((condition) => condition['type'] === type)
  return { isTrue: found?.['status'] === 'True', sinceMs: timeOf(stringOr(found?.['lastTransitionTime'])) }
}

/** A time of the API in milliseconds since 1970; undefined where `text` is none. */
export function timeOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/.test(text)) return undefined
  const ms = Date.parse(text)
  return Number.isNaN(ms) ? undefined : ms
}

/**
 * Why the status of a pod is not taken as the word of the node's agent, as the end of a sentence; undefined where it is.
 * Whoever may create pods in the agent's namespace can copy the label; a kubelet can show a mirror pod on its own node.
 */
export function disbelief(pod: AgentPod, daemonSetUid: string | undefined): string | undefined {
  const { controller, isMirror, node, meantFor, serviceAccount } = pod
  if (isMirror) return 'it is a mirror pod, which a kubelet made from a file'
  if (controller?.name !== AGENT_DAEMON_SET || controller.uid !== daemonSetUid)
    return `it is not controlled by the DaemonSet ${AGENT_DAEMON_SET} that is there now`
  if (serviceAccount !== SERVICE_ACCOUNTS.agent)
    return `it does not run as the service account ${SERVICE_ACCOUNTS.agent}`
  if (meantFor.length !== 1 || meantFor[0] !== node) return 'it runs on another node than the DaemonSet meant it for'
  return undefined
}
