import type { JsonObject } from '../json/value.ts'
import { DEFAULT_ENABLEMENT, type EnablementSelector } from '../settings/ambient-enablement.ts'
import { ambientStanding } from './ambient-standing.ts'
import type { IntentResult } from './intent.ts'
import { intentOfDecided, intentOfPod } from './pod.ts'

/** What a node knows of the pod's namespace, and how its agent is set. */
export interface Surroundings {
  readonly namespace: string
  readonly namespaceLabels: Readonly<Record<string, string>>
  readonly excludedNamespaces: readonly string[]
  /** the node's agent does ambient */
  readonly ambient: boolean
  /** who is for ambient, where that is not as in Istio's chart */
  readonly enablement?: readonly EnablementSelector[]
}

/**
 * What a node is to redirect for a pod that says nothing of Sluice, in the order of Istio's plugin (cni.md §2.4): excluded
 * namespaces, ambient, sidecar.
 */
export function intentOnNode(pod: JsonObject, around: Surroundings): IntentResult {
  const { namespace, namespaceLabels, excludedNamespaces, ambient, enablement = DEFAULT_ENABLEMENT } = around
  if (excludedNamespaces.includes(namespace))
    return { is: 'skip', reason: { code: 'namespace_excluded', args: { namespace } } }
  const rules = { enablement, excludedNamespaces }
  const standing = ambientStanding(pod, { name: namespace, labels: namespaceLabels }, rules)
  return ambient && standing.is === 'in' ? intentOfDecided(pod, 'ambient') : intentOfPod(pod)
}
