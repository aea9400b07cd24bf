import type { Intent } from '../intent/intent.ts'
import { type AmbientNode, ambientPodRules } from './ambient.ts'
import type { RuleModel } from './model.ts'
import type { PodNetwork } from './pod-network.ts'
import { sidecarRules } from './sidecar.ts'

/** What a node knows when it makes rules for a pod. */
export interface NodeFacts {
  readonly network: PodNetwork
  readonly ambient: Omit<AmbientNode, 'families'>
}

/** The rules in the namespace of a pod with `intent`; none at all where nothing is to be redirected. */
export function rulesOf(intent: Intent, { network, ambient }: NodeFacts): RuleModel {
  switch (intent.kind) {
    case 'sidecar':
      return sidecarRules(intent, network)
    case 'ambient':
      return ambientPodRules(intent, { ...ambient, families: network.families })
    case 'none':
      return { owner: 'sidecar', families: network.families, chains: [] }
  }
}
