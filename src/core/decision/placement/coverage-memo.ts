import { BoundedMap } from '../../bounded-map.ts'
import { specOf } from '../../json/pod.ts'
import type { JsonObject } from '../../json/value.ts'
import type { NodeCoverage } from '../coverage.ts'
import type { NodeSet } from '../node-set.ts'
import { requiredAffinity } from './node-affinity.ts'
import type { NodeIndex } from './node-index.ts'
import { indexNodes, nodeCoverage } from './node-index.ts'

/** Answers that are kept; the constraints of a cluster's pods are few, those of its DaemonSets one for each node. */
const ENTRIES = 8192
/** Longer constraints are worked out each time: keys come from whoever creates pods. */
const KEY_CHARACTERS = 2048

/**
 * `nodeCoverage`, remembered by the pod's constraints for as long as the node set and the policy stay. Gives what a fresh
 * call would give; holds no more than a bounded number of answers.
 */
export class CoverageMemo {
  #index: NodeIndex | undefined
  #minCovered = 0
  readonly #answers = new BoundedMap<string, NodeCoverage>(ENTRIES)

  /** What the nodes that may get `pod` can do. */
  of(nodes: NodeSet, pod: JsonObject, minCovered: number): NodeCoverage {
    if (this.#index?.generation !== nodes.generation || this.#minCovered !== minCovered) {
      this.#index = indexNodes(nodes)
      this.#minCovered = minCovered
      this.#answers.clear()
    }
    const key = constraintsOf(pod)
    const known = this.#answers.get(key)
    if (known !== undefined) return known
    const answer = nodeCoverage(this.#index, pod, minCovered)
    if (key.length <= KEY_CHARACTERS) this.#answers.set(key, answer)
    return answer
  }
}

/** All of a pod that placement reads, as text. */
function constraintsOf(pod: JsonObject): string {
  const spec = specOf(pod)
  return JSON.stringify([spec['nodeName'], spec['nodeSelector'], requiredAffinity(spec), spec['tolerations']])
}
