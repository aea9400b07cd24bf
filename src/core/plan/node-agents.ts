import { labelsOf, specOf } from '../json/pod.ts'
import { type JsonObject, objectOr, objectsOf, stringOr } from '../json/value.ts'
import { POD_CONDITIONS } from '../vocabulary/names.ts'
import type { ReasonCode } from '../vocabulary/reasons.ts'

/** Labels of the pods and DaemonSets of other agents that redirect. */
const OTHER_AGENTS = [{ key: 'k8s-app', value: 'istio-cni-node', name: 'istio-cni' }] as const
export const OTHER_AGENT_SELECTOR = OTHER_AGENTS.map(({ key, value }) => `${key}=${value}`).join()

/** Who redirects on a node, while a cluster moves from another agent to Sluice's or back. */
export interface NodeAgents {
  readonly node: string
  readonly agents: 'other' | 'both' | 'sluice'
  /** another process owns ztunnel's socket there, so that Sluice's agent does no ambient */
  readonly socketOwned: boolean
}

const OWNED: ReasonCode = 'ztunnel_socket_owned'

/** The nodes that an agent runs on, by the pods of the others and of Sluice's. */
export function nodeAgents(others: readonly JsonObject[], own: readonly JsonObject[]): readonly NodeAgents[] {
  const [theirs, ours] = [nodesOf(others), nodesOf(own)]
  const owned = nodesOf(own.filter(saysOwned))
  return [...new Set([...theirs, ...ours])].toSorted().map((node) => ({
    node,
    agents: !ours.has(node) ? 'other' : theirs.has(node) ? 'both' : 'sluice',
    socketOwned: owned.has(node),
  }))
}

/** How far the move is, for people; `names`: how a list of nodes is said. */
export function nodeAgentsInWords(
  nodes: readonly NodeAgents[],
  names: (nodes: readonly string[]) => string,
): readonly string[] {
  const who = (is: (node: NodeAgents) => boolean): readonly string[] => nodes.filter(is).map(({ node }) => node)
  const rows = [
    ['istio-cni alone', who(({ agents }) => agents === 'other')],
    ['istio-cni and Sluice', who(({ agents }) => agents === 'both')],
    ['Sluice alone', who(({ agents }) => agents === 'sluice')],
    ["ztunnel's socket is not Sluice's", who(({ socketOwned }) => socketOwned)],
  ] as const
  return rows.flatMap(([says, found]) => (found.length === 0 ? [] : [`${says} on ${names(found)}`]))
}

/** The name of the other agent that `object`, a pod or a DaemonSet, is of; undefined where it is none. */
export function otherAgentOf(object: JsonObject): string | undefined {
  const labels = labelsOf(object)
  return OTHER_AGENTS.find(({ key, value }) => labels[key] === value)?.name
}

function nodesOf(pods: readonly JsonObject[]): ReadonlySet<string> {
  return new Set(pods.flatMap((pod) => stringOr(specOf(pod)['nodeName']) ?? []))
}

function saysOwned(pod: JsonObject): boolean {
  const conditions = objectsOf(objectOr(pod['status'])['conditions'])
  return conditions.some(({ type, reason }) => type === POD_CONDITIONS.ambient && reason === OWNED)
}
