import { labelsOf, specOf } from '../json/pod.ts'
import type { JsonObject } from '../json/value.ts'
import { objectOr, objectsOf, stringOr } from '../json/value.ts'
import { KUBERNETES_NAMES } from '../vocabulary/names.ts'

export interface Taint {
  readonly key: string
  readonly value: string
  readonly effect: string
}

/** What is known of a node, projected from the API object: no more than the decision needs. */
export interface NodeFacts {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly taints: readonly Taint[]
  readonly linux: boolean
  readonly unschedulable: boolean
  readonly ready: boolean
  readonly kubeletVersion: string
}

/** All nodes at one moment; `generation` changes with every change of their facts, so that answers can be memoized by it. */
export interface NodeSet {
  readonly generation: number
  readonly nodes: readonly NodeFacts[]
}

/** The facts of one Node object; a field that is missing or of another type counts as empty, hence as not ready. */
export function projectNode(node: JsonObject): NodeFacts {
  const spec = specOf(node)
  const status = objectOr(node['status'])
  const info = objectOr(status['nodeInfo'])
  const labels = labelsOf(node)
  return {
    name: stringOr(objectOr(node['metadata'])['name']) ?? '',
    labels,
    taints: objectsOf(spec['taints']).map(taintOf),
    linux: (labels[KUBERNETES_NAMES.os] ?? info['operatingSystem']) === 'linux',
    unschedulable: spec['unschedulable'] === true,
    ready: objectsOf(status['conditions']).some(({ type, status: is }) => type === 'Ready' && is === 'True'),
    kubeletVersion: stringOr(info['kubeletVersion']) ?? '',
  }
}

function taintOf(taint: JsonObject): Taint {
  return {
    key: stringOr(taint['key']) ?? '',
    value: stringOr(taint['value']) ?? '',
    effect: stringOr(taint['effect']) ?? '',
  }
}
