import { decide } from '../decision/decide.ts'
import type { Decision } from '../decision/decision.ts'
import type { Facts } from '../decision/facts.ts'
import { netAdminAdded } from '../decision/net-admin.ts'
import { enforcedLevel } from '../decision/pod-security/level.ts'
import { enrolled, gated } from '../injection/ambient.ts'
import type { Injection, InjectionContext } from '../injection/draft.ts'
import { inject } from '../injection/inject.ts'
import { nativeSidecars } from '../injection/native-sidecars.ts'
import { uninjected, withoutStatus } from '../injection/uninjected.ts'
import type { Workload } from '../injection/workload.ts'
import { encodeIntent } from '../intent/codec.ts'
import { intentOfDecided } from '../intent/pod.ts'
import { deepEqual } from '../json/equal.ts'
import { labelsOf, specOf, withAnnotations, withLabels } from '../json/pod.ts'
import type { JsonObject } from '../json/value.ts'
import { objectOr, stringOr } from '../json/value.ts'
import { asksForAmbient } from '../settings/ambient-enablement.ts'
import type { Mode, SidecarMode } from '../vocabulary/modes.ts'
import { ANSWER_ANNOTATIONS, ISTIO_LABELS } from '../vocabulary/names.ts'
import type { Reason } from '../vocabulary/reasons.ts'
import { sentence } from '../vocabulary/reasons.ts'
import type { Outcome } from './outcome.ts'
import { decidedMode } from './words.ts'

/**
 * Decides about one pod and makes it what it should be: the one function behind the webhook, `sluice inject`, `sluice
 * explain` and the golden runner. The answer annotations that a request brings are never read: they are overwritten, or
 * removed where there is no answer. A pod that is already as it should be comes back as the very same object. `workload` is
 * the document around a pod template, offline; without one it is found from the pod.
 */
export function outcomeOf(facts: Facts, workload?: Workload): Outcome {
  const clean = withAnnotations(facts.pod, NO_ANSWER)
  const pod = uninjected(clean, injectionContext(facts, 'cni', workload))
  const make = oncePerMode((mode) => {
    if (mode === 'ambient') return withIntent(enrolledPod(pod, facts), mode)
    return withIntent(inject(clean, injectionContext(facts, mode, workload)), mode)
  })
  const decision = decide({ ...facts, pod }, (mode) => make(mode))
  const made = carriedOut(decision, { clean: keptOut(clean, decision, facts), uninjected: pod }, make)
  return {
    decision,
    pod: deepEqual(made.pod, facts.pod) ? facts.pod : made.pod,
    warnings: [...decision.warnings, ...made.warnings],
    netAdmin: netAdminAdded(pod, made.pod).map((container) => ({ container })),
  }
}

/** The pod of `facts` as it was before any injection: what the decision is about, and what its labels and containers say. */
export function beforeInjection(facts: Facts, workload?: Workload): JsonObject {
  return uninjected(withAnnotations(facts.pod, NO_ANSWER), injectionContext(facts, 'cni', workload))
}

/** A pod as a mode makes it, its intent written on it. */
type Made =
  | { readonly is: 'made'; readonly pod: JsonObject; readonly warnings: readonly Reason[] }
  | { readonly is: 'refused'; readonly reason: Reason }

function oncePerMode(make: (mode: Mode) => Made): (mode: Mode) => Made {
  const done = new Map<Mode, Made>()
  return (mode) => {
    const made = done.get(mode) ?? make(mode)
    done.set(mode, made)
    return made
  }
}

function enrolledPod(pod: JsonObject, { namespace, policy }: Facts): Injection {
  const bare = withoutStatus(pod)
  const warnings: readonly Reason[] = bare === pod ? [] : [{ code: 'status_not_trusted', args: {} }]
  return { is: 'injected', pod: gated(enrolled(bare, namespace, policy), namespace, policy), warnings }
}

/**
 * The intent comes last, from the pod as it will be. Where it cannot be read, no node could redirect, so the pod is refused;
 * `istio-init` redirects by itself, and Istio lets it fail there.
 */
function withIntent(injection: Injection, mode: Mode): Made {
  if (injection.is === 'refused') return injection
  const { pod, warnings } = injection
  const result = intentOfDecided(pod, mode)
  if (result.is === 'redirect') {
    const intent = { [ANSWER_ANNOTATIONS.intent]: encodeIntent(result.intent) }
    return { is: 'made', pod: withAnnotations(pod, intent), warnings }
  }
  if (mode !== 'init') return { is: 'refused', reason: result.reason }
  const warning: Reason = { code: 'init_will_fail', args: { problem: sentence(result.reason) } }
  return { is: 'made', pod, warnings: [...warnings, warning] }
}

const NO_ANSWER = Object.fromEntries(Object.values(ANSWER_ANNOTATIONS).map((name) => [name, undefined]))

function carriedOut(
  decision: Decision,
  pod: { readonly clean: JsonObject; readonly uninjected: JsonObject },
  make: (mode: Mode) => Made,
): Extract<Made, { is: 'made' }> {
  switch (decision.is) {
    case 'left':
    case 'refused':
      return { is: 'made', pod: pod.clean, warnings: [] }
    case 'unmeshed':
      return { is: 'made', pod: answered(pod.uninjected, decision), warnings: [] }
    case 'meshed': {
      const made = make(decision.mode)
      if (made.is === 'refused') throw new Error(`${decision.mode} was chosen though ${made.reason.code} refuses it`)
      return { ...made, pod: answered(made.pod, decision) }
    }
  }
}

/**
 * A wish to stay out binds the node too, where the namespace asks for ambient: its agent goes by Istio's labels alone, as istiod and
 * every peer do.
 */
function keptOut(pod: JsonObject, { is, reason }: Decision, { namespace, policy }: Facts): JsonObject {
  if (is !== 'left' || reason.code !== 'wish_none') return pod
  if (!asksForAmbient(policy.ambientEnablement, labelsOf(pod), namespace.labels)) return pod
  return withLabels(pod, { [ISTIO_LABELS.dataplaneMode]: 'none' })
}

function answered(pod: JsonObject, decision: Decision): JsonObject {
  return withAnnotations(pod, {
    [ANSWER_ANNOTATIONS.decided]: decidedMode(decision),
    [ANSWER_ANNOTATIONS.reason]: decision.reason.code,
  })
}

function injectionContext(facts: Facts, mode: SidecarMode, workload: Workload | undefined): InjectionContext {
  const { settings, namespace, policy, pathEnv, kubeletVersions, pod } = facts
  // what a template says of its own namespace never reaches its pods
  const own = workload === undefined ? stringOr(objectOr(pod['metadata'])['namespace']) : undefined
  return {
    settings,
    mode,
    namespace,
    podNamespace: own ?? namespace.name,
    pathEnv,
    nativeSidecars: nativeSidecars(settings.nativeSidecars, kubeletVersions, stringOr(specOf(pod)['nodeName'])),
    seccompDefault: enforcedLevel(pod, namespace, policy) === 'restricted',
    workload,
  }
}
