import { annotationsOf } from '../json/pod.ts'
import type { JsonObject } from '../json/value.ts'
import {
  ANSWER_ANNOTATIONS,
  CONTAINERS,
  ISTIO_ANNOTATIONS,
  ISTIO_LABELS,
  KUBERNETES_NAMES,
} from '../vocabulary/names.ts'
import type { EnablementSelector } from '../settings/ambient-enablement.ts'
import type { Reason } from '../vocabulary/reasons.ts'
import { decodeIntent } from './codec.ts'
import { intentOnNode } from './enrolment.ts'
import type { AmbientIntent, SidecarIntent } from './intent.ts'

type Annotations = Readonly<Record<string, string>>

/** What the runtime says of the pod whose network it makes. */
export interface AskedPod {
  readonly namespace: string
  /** null: the runtime passes none (Multus drops them), so that being called is itself the promise */
  readonly annotations: Annotations | null
}

/** What the node knows by its own watch, and how its agent is set. */
export interface NodeKnowledge {
  /** the pod of the same uid */
  readonly pod: JsonObject | null
  readonly namespaceLabels: Readonly<Record<string, string>> | null
  /** the watch is fresh: what it has not shown will be shown in a moment */
  readonly isCurrent: boolean
  readonly excludedNamespaces: readonly string[]
  /** this agent does ambient */
  readonly ambient: boolean
  /** who is for ambient, where that is not as in Istio's chart */
  readonly enablement?: readonly EnablementSelector[]
}

/** What is to be done for a pod before it may start. */
export type NodeAnswer =
  | { readonly is: 'redirect'; readonly intent: SidecarIntent | AmbientIntent }
  | { readonly is: 'pass'; readonly reason: Reason }
  | { readonly is: 'refuse'; readonly reason: Reason }
  /** it takes the pod's labels and spec, which are not known yet */
  | { readonly is: 'wait' }

/**
 * What the node does for a pod, from what the webhook wrote on it and from what the node knows. An annotation can only make
 * the node stricter: none is taken as proof that a pod is not for the mesh, unless nothing else can be known.
 */
export function nodeAnswer(asked: AskedPod, known: NodeKnowledge): NodeAnswer {
  const { namespace } = asked
  const isExcluded = known.excludedNamespaces.includes(namespace)
  const annotations = asked.annotations ?? (known.pod === null ? null : annotationsOf(known.pod))
  const promise = annotations === null ? null : decidedIntent(annotations)
  if (promise !== null) return promise
  if (isExcluded) return { is: 'pass', reason: { code: 'namespace_excluded', args: { namespace } } }
  if (annotations === null) return { is: 'wait' }
  if (known.pod !== null && known.namespaceLabels !== null)
    return byItsSpec(known.pod, known.namespaceLabels, namespace, known)
  return unseen(annotations, known)
}

/** Did the webhook leave the pod's redirection to the node? Null where it did not, or promised that nothing is redirected. */
function decidedIntent(annotations: Annotations): NodeAnswer | null {
  const decided = annotations[ANSWER_ANNOTATIONS.decided]
  if (decided !== 'cni' && decided !== 'ambient') return null
  const text = annotations[ANSWER_ANNOTATIONS.intent]
  if (text === undefined) return { is: 'refuse', reason: { code: 'intent_absent', args: { mode: decided } } }
  const read = decodeIntent(text)
  if (read.is === 'refused') return { is: 'refuse', reason: read.reason }
  // no proof: the pod itself must say so
  if (read.intent.kind === 'none') return null
  const wanted = decided === 'ambient' ? 'ambient' : 'sidecar'
  if (read.intent.kind === wanted) return { is: 'redirect', intent: read.intent }
  const problem = `is ${decided}, and ${ANSWER_ANNOTATIONS.intent} says ${read.intent.kind}`
  return { is: 'refuse', reason: { code: 'intent_invalid', args: { field: ANSWER_ANNOTATIONS.decided, problem } } }
}

function byItsSpec(
  pod: JsonObject,
  namespaceLabels: Readonly<Record<string, string>>,
  namespace: string,
  { excludedNamespaces, ambient, enablement }: NodeKnowledge,
): NodeAnswer {
  const around = { namespace, namespaceLabels, excludedNamespaces, ambient }
  const read = intentOnNode(pod, { ...around, ...(enablement !== undefined && { enablement }) })
  if (read.is === 'skip') return { is: 'pass', reason: read.reason }
  if (read.is === 'refused') return { is: 'refuse', reason: read.reason }
  if (read.intent.kind !== 'none') return { is: 'redirect', intent: read.intent }
  return { is: 'pass', reason: { code: 'interception_none', args: {} } }
}

/** The watch has not shown the pod. While it is fresh it will; else what was promised decides, as with the agent away. */
function unseen(annotations: Annotations, { isCurrent, namespaceLabels }: NodeKnowledge): NodeAnswer {
  const source = annotations[KUBERNETES_NAMES.configSource]
  // set by the kubelet on every pod: one from a file has another uid in the API, and no webhook ever saw it
  if (source !== undefined && source !== 'api') return { is: 'pass', reason: { code: 'pod_from_file', args: {} } }
  const isAmbientNamespace = namespaceLabels !== null && namespaceLabels[ISTIO_LABELS.dataplaneMode] === 'ambient'
  if (isCurrent || isAmbientNamespace || isPromised(annotations)) return { is: 'wait' }
  return { is: 'pass', reason: { code: 'promise_absent', args: {} } }
}

/** As in the plugin, which goes by the same when no agent answers (contract/examples/promises.json). */
function isPromised(annotations: Annotations): boolean {
  return (
    annotations[ISTIO_ANNOTATIONS.redirection] !== undefined ||
    (annotations[ISTIO_ANNOTATIONS.status] ?? '').includes(`"${CONTAINERS.validation}"`)
  )
}
