import type { NamespaceFacts } from '../decision/facts.ts'
import { labelsOf, specOf, withLabels } from '../json/pod.ts'
import { type JsonObject, objectsOf } from '../json/value.ts'
import { asksForAmbient } from '../settings/ambient-enablement.ts'
import type { Policy } from '../settings/policy.ts'
import { ISTIO_LABELS, POD_CONDITIONS } from '../vocabulary/names.ts'

/**
 * The pod as ambient wants it: with the label that istiod, ztunnel and the node agent look for, unless the namespace
 * gives it to all its pods and that is enough for the agent.
 */
export function enrolled(pod: JsonObject, namespace: NamespaceFacts, { ambientEnablement }: Policy): JsonObject {
  const { dataplaneMode } = ISTIO_LABELS
  const own = labelsOf(pod)
  const isGiven = own[dataplaneMode] === undefined && namespace.labels[dataplaneMode] === 'ambient'
  if (isGiven && asksForAmbient(ambientEnablement, own, namespace.labels)) return pod
  return withLabels(pod, { [dataplaneMode]: 'ambient' })
}

/** The pod with a gate that keeps it from being Ready until its redirection was measured, where the policy asks for that. */
export function gated(pod: JsonObject, { name }: NamespaceFacts, { readinessGate }: Policy): JsonObject {
  const spec = specOf(pod)
  const gates = objectsOf(spec['readinessGates'])
  const isThere = gates.some(({ conditionType }) => conditionType === POD_CONDITIONS.redirected)
  if (isThere || !readinessGate.includes(name)) return pod
  return { ...pod, spec: { ...spec, readinessGates: [...gates, { conditionType: POD_CONDITIONS.redirected }] } }
}
