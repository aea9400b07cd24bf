import { annotationsOf, hasEnded, labelsOf, specOf } from '../json/pod.ts'
import { type JsonObject, objectOr, stringOr } from '../json/value.ts'
import { asksForAmbient, DEFAULT_ENABLEMENT, type EnablementSelector } from '../settings/ambient-enablement.ts'
import { ANSWER_ANNOTATIONS, ISTIO_ANNOTATIONS } from '../vocabulary/names.ts'
import type { Reason } from '../vocabulary/reasons.ts'
import { quoted } from './grammar.ts'

/** What an agent is told about who is for ambient. */
export interface AmbientRules {
  readonly enablement: readonly EnablementSelector[]
  readonly excludedNamespaces: readonly string[]
}

/** Istio's own, where no namespace is left out. */
export const ISTIO_AMBIENT_RULES: AmbientRules = { enablement: DEFAULT_ENABLEMENT, excludedNamespaces: [] }

export interface NamespaceLabels {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
}

/** Whether a pod is one for ztunnel, and if not, why. */
export type Standing = { readonly is: 'in' } | { readonly is: 'out'; readonly reason: Reason }

/**
 * Is `pod` one for ztunnel, as it is now (cni.md §5.1)? The plugin's path and the watch of the node ask this one function, so
 * that a pod is not let in by one and thrown out by the other; the webhook takes the labels' part from the same table.
 */
export function ambientStanding(pod: JsonObject, namespace: NamespaceLabels, rules: AmbientRules): Standing {
  const reason = whyNot(pod, namespace, rules)
  return reason === undefined ? { is: 'in' } : { is: 'out', reason }
}

function whyNot(pod: JsonObject, { name, labels }: NamespaceLabels, rules: AmbientRules): Reason | undefined {
  // as at its ADD: what the webhook promised is kept, also where the agent would leave the namespace alone
  const isPromised = annotationsOf(pod)[ANSWER_ANNOTATIONS.decided] === 'ambient'
  if (!isPromised && rules.excludedNamespaces.includes(name))
    return { code: 'namespace_excluded', args: { namespace: name } }
  if (specOf(pod)['hostNetwork'] === true) return { code: 'host_network', args: {} }
  const os = stringOr(objectOr(specOf(pod)['os'])['name'])
  if (os !== undefined && os !== 'linux') return { code: 'os_unsupported', args: { os: quoted(os) } }
  if (annotationsOf(pod)[ISTIO_ANNOTATIONS.status] !== undefined) return { code: 'sidecar_in_pod', args: {} }
  if (!asksForAmbient(rules.enablement, labelsOf(pod), labels)) return { code: 'ambient_not_asked', args: {} }
  return hasEnded(pod) ? { code: 'pod_finished', args: {} } : undefined
}

/** What is to be done about a pod. `forget`: its namespace goes by itself, what is kept about it elsewhere does not. */
export type Move = 'join' | 'stay' | 'leave' | 'forget' | 'none'

/** What follows from `standing` for a pod that does, or does not, have something of ambient's. */
export function moveOf(has: boolean, standing: Standing): Move {
  if (standing.is === 'in') return has ? 'stay' : 'join'
  if (!has) return 'none'
  return standing.reason.code === 'pod_finished' ? 'forget' : 'leave'
}
