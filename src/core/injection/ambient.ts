import type { NamespaceFacts } from '../decision/facts.ts'
import { labelsOf, withLabels } from '../json/pod.ts'
import type { JsonObject } from '../json/value.ts'
import { ISTIO_LABELS } from '../vocabulary/names.ts'

/**
 * The pod as ambient wants it: with the label that istiod, ztunnel and the node agent look for, unless the namespace
 * gives it to all its pods. Nothing of the pod's spec changes.
 */
export function enrolled(pod: JsonObject, namespace: NamespaceFacts): JsonObject {
  const { dataplaneMode } = ISTIO_LABELS
  const own = labelsOf(pod)[dataplaneMode]
  if (own === undefined && namespace.labels[dataplaneMode] === 'ambient') return pod
  return withLabels(pod, { [dataplaneMode]: 'ambient' })
}
