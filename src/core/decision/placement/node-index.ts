import { specOf } from '../../json/pod.ts'
import type { JsonObject } from '../../json/value.ts'
import { objectsOf, stringOr } from '../../json/value.ts'
import { KUBERNETES_NAMES, NODE_LABELS, NODE_LABEL_READY } from '../../vocabulary/names.ts'
import type { ModeCoverage, NodeCoverage } from '../coverage.ts'
import type { NodeFacts, NodeSet, Taint } from '../node-set.ts'
import { nodeSelection } from './node-affinity.ts'
import { tolerates } from './tolerations.ts'

/** A node set made ready for many questions: built once for each generation. */
export interface NodeIndex {
  readonly generation: number
  readonly byName: ReadonlyMap<string, NodeFacts>
  /** the nodes that can get pods at all (Linux, Ready), by their taints: each group is tolerated or not as one */
  readonly groups: readonly TaintGroup[]
}

interface TaintGroup {
  readonly taints: readonly Taint[]
  readonly nodes: readonly NodeFacts[]
}

/** Prepares a node set for `nodeCoverage`. */
export function indexNodes({ generation, nodes }: NodeSet): NodeIndex {
  const groups = new Map<string, { taints: readonly Taint[]; nodes: NodeFacts[] }>()
  for (const node of nodes) {
    if (!node.linux || !node.ready) continue
    const taints = taintsOf(node)
    const key = JSON.stringify(taints)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { taints, nodes: [node] })
    else group.nodes.push(node)
  }
  return { generation, byName: new Map(nodes.map((node) => [node.name, node])), groups: [...groups.values()] }
}

/** A cordoned node counts as tainted from the moment of its cordoning, as for the scheduler. */
function taintsOf({ taints, unschedulable }: NodeFacts): readonly Taint[] {
  if (!unschedulable) return taints
  return [...taints, { key: KUBERNETES_NAMES.unschedulableTaint, value: '', effect: 'NoSchedule' }]
}

/**
 * Can the nodes that may get `pod` do each mode? A node counts if it is Linux, schedulable, Ready, matches the pod's
 * `nodeSelector` and required affinity, and has no taint that the pod does not tolerate; a pod that is bound already
 * (`nodeName`) counts its node alone. A mode is possible while at least `minCovered` of them carry its label.
 */
export function nodeCoverage(index: NodeIndex, pod: JsonObject, minCovered: number): NodeCoverage {
  const candidates = candidatesOf(index, specOf(pod))
  return {
    cni: coverageOf(candidates, NODE_LABELS.cni, minCovered),
    ambient: coverageOf(candidates, NODE_LABELS.ambient, minCovered),
  }
}

function candidatesOf(index: NodeIndex, spec: JsonObject): readonly NodeFacts[] {
  const bound = stringOr(spec['nodeName']) ?? ''
  if (bound !== '') {
    const node = index.byName.get(bound)
    return node?.linux === true ? [node] : []
  }
  const tolerations = objectsOf(spec['tolerations'])
  const { allows, names } = nodeSelection(spec)
  if (names === undefined)
    return index.groups.flatMap(({ taints, nodes }) => (tolerates(tolerations, taints) ? nodes.filter(allows) : []))
  return names
    .map((name) => index.byName.get(name))
    .filter((node) => node !== undefined)
    .filter((node) => node.linux && node.ready && tolerates(tolerations, taintsOf(node)) && allows(node))
}

function coverageOf(candidates: readonly NodeFacts[], label: string, minCovered: number): ModeCoverage {
  const isCovered = ({ labels }: NodeFacts): boolean => labels[label] === NODE_LABEL_READY
  const covered = candidates.reduce((count, node) => count + (isCovered(node) ? 1 : 0), 0)
  const counts = { covered, candidates: candidates.length }
  if (candidates.length === 0) return { is: 'no-nodes' }
  if (covered / candidates.length >= minCovered) return { is: 'possible', ...counts }
  return { is: 'impossible', ...counts, example: candidates.find((node) => !isCovered(node))?.name ?? '' }
}
