import type { JsonObject } from '../json/value.ts'

/** What is known of a node, projected from the API object: no more than the decision needs. */
export interface NodeFacts {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly taints: readonly { readonly key: string; readonly value: string; readonly effect: string }[]
  readonly unschedulable: boolean
  readonly ready: boolean
  readonly kubeletVersion: string
}

/** All nodes at one moment; `generation` changes with every change, so that answers can be memoized by it. */
export interface NodeSet {
  readonly generation: number
  readonly nodes: readonly NodeFacts[]
}

/** The facts of one Node object. */
export type ProjectNode = (node: JsonObject) => NodeFacts
