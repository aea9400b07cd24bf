import { annotationsOf } from '../json/pod.ts'
import type { JsonObject } from '../json/value.ts'
import { MODES, type Mode } from '../vocabulary/modes.ts'
import { ANSWER_ANNOTATIONS } from '../vocabulary/names.ts'
import type { Reason } from '../vocabulary/reasons.ts'
import { DEFAULT_ENABLEMENT } from '../settings/ambient-enablement.ts'
import { ambientStanding } from './ambient-standing.ts'
import { decodeIntent } from './codec.ts'
import { intentOnNode, type Surroundings } from './enrolment.ts'
import type { Intent, IntentResult, NoIntent } from './intent.ts'
import { intentOfDecided } from './pod.ts'

/** What a pod was promised, whoever admitted it. */
export type Promised =
  | { readonly is: 'promised'; readonly mode: Mode; readonly intent: Exclude<Intent, NoIntent> }
  | { readonly is: 'nothing'; readonly reason: Reason }
  /** something was promised, and nobody can say what: never to be read as nothing */
  | { readonly is: 'unreadable'; readonly mode: Mode; readonly reason: Reason }

/**
 * What is to be redirected in `pod` as it stands in the API: by Sluice's answer where there is one, else as Istio's plugin
 * would decide on this node. An answer `none` is not believed by itself: it could only make the node laxer.
 */
export function promisedTo(pod: JsonObject, around: Surroundings): Promised {
  const { [ANSWER_ANNOTATIONS.decided]: decided, [ANSWER_ANNOTATIONS.intent]: written } = annotationsOf(pod)
  const mode = MODES.find((one) => one === decided)
  // labels take a pod out of ambient while it runs: what was promised at its creation holds no longer
  if (mode === 'ambient') {
    const { namespace, namespaceLabels, excludedNamespaces, enablement = DEFAULT_ENABLEMENT } = around
    const standing = ambientStanding(
      pod,
      { name: namespace, labels: namespaceLabels },
      { enablement, excludedNamespaces },
    )
    if (standing.is === 'out') return { is: 'nothing', reason: standing.reason }
  }
  if (mode !== undefined)
    return promise(mode, written === undefined ? intentOfDecided(pod, mode) : decodeIntent(written))
  const onNode = intentOnNode(pod, around)
  // the agent makes no rules there, yet they were promised
  if (onNode.is === 'skip' && onNode.reason.code === 'rules_by_init_container')
    return promise('init', intentOfDecided(pod, 'init'))
  return promise(onNode.is === 'redirect' && onNode.intent.kind === 'ambient' ? 'ambient' : 'cni', onNode)
}

function promise(mode: Mode, result: IntentResult): Promised {
  if (result.is === 'skip') return { is: 'nothing', reason: result.reason }
  if (result.is === 'refused') return { is: 'unreadable', mode, reason: result.reason }
  const { intent } = result
  if (intent.kind === 'none') return { is: 'nothing', reason: { code: 'interception_none', args: {} } }
  return { is: 'promised', mode, intent }
}
