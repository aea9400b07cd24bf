import { annotationsOf, labelsOf, specOf } from '../json/pod.ts'
import type { JsonObject } from '../json/value.ts'
import { ISTIO_ANNOTATIONS, ISTIO_LABELS } from '../vocabulary/names.ts'
import type { IntentResult } from './intent.ts'
import { intentOfDecided, intentOfPod } from './pod.ts'

/** What a node knows of the pod's namespace, and how its agent is set. */
export interface Surroundings {
  readonly namespace: string
  readonly namespaceLabels: Readonly<Record<string, string>>
  readonly excludedNamespaces: readonly string[]
  /** the node's agent does ambient */
  readonly ambient: boolean
}

/**
 * What a node is to redirect for a pod that says nothing of Sluice, in the order of Istio's plugin (cni.md §2.4): excluded
 * namespaces, ambient, sidecar.
 */
export function intentOnNode(pod: JsonObject, around: Surroundings): IntentResult {
  const { namespace, namespaceLabels, excludedNamespaces, ambient } = around
  if (excludedNamespaces.includes(namespace))
    return { is: 'skip', reason: { code: 'namespace_excluded', args: { namespace } } }
  return ambient && isAmbient(pod, namespaceLabels) ? intentOfDecided(pod, 'ambient') : intentOfPod(pod)
}

/** Is `pod` one for ztunnel? The selectors are those of Istio's chart (cni.md §5.1). */
export function isAmbient(pod: JsonObject, namespaceLabels: Readonly<Record<string, string>>): boolean {
  if (specOf(pod)['hostNetwork'] === true || annotationsOf(pod)[ISTIO_ANNOTATIONS.status] !== undefined) return false
  const own = labelsOf(pod)[ISTIO_LABELS.dataplaneMode]
  return own === 'ambient' || (own !== 'none' && namespaceLabels[ISTIO_LABELS.dataplaneMode] === 'ambient')
}
