import { decide } from '../decision/decide.ts'
import type { Decision } from '../decision/decision.ts'
import type { Facts } from '../decision/facts.ts'
import { netAdminAdded } from '../decision/net-admin.ts'
import { enforcedLevel } from '../decision/pod-security/level.ts'
import { enrolled } from '../injection/ambient.ts'
import type { Injection, InjectionContext } from '../injection/draft.ts'
import { inject } from '../injection/inject.ts'
import { nativeSidecars } from '../injection/native-sidecars.ts'
import type { Workload } from '../injection/workload.ts'
import { deepEqual } from '../json/equal.ts'
import { specOf, withAnnotations } from '../json/pod.ts'
import type { JsonObject } from '../json/value.ts'
import { objectOr, stringOr } from '../json/value.ts'
import type { SidecarMode } from '../vocabulary/modes.ts'
import { ANSWER_ANNOTATIONS } from '../vocabulary/names.ts'
import type { Outcome } from './outcome.ts'

/**
 * Decides about one pod and makes it what it should be: the one function behind the webhook, `sluice inject`, `sluice
 * explain` and the golden runner. The answer annotations that a request brings are never read: they are overwritten, or
 * removed where there is no answer. A pod that is already as it should be comes back as the very same object. `workload` is
 * the document around a pod template, offline; without one it is found from the pod.
 */
export function outcomeOf(facts: Facts, workload?: Workload): Outcome {
  const pod = withAnnotations(facts.pod, NO_ANSWER)
  const injections = new Map<SidecarMode, Injection>()
  const injected = (mode: SidecarMode): Injection => {
    const known = injections.get(mode)
    if (known !== undefined) return known
    const made = inject(pod, injectionContext(facts, mode, workload))
    injections.set(mode, made)
    return made
  }
  const decision = decide({ ...facts, pod }, injected)
  const made = carriedOut(decision, pod, facts, injected)
  const answered = answer(decision, made.pod)
  return {
    decision,
    pod: deepEqual(answered, facts.pod) ? facts.pod : answered,
    warnings: [...decision.warnings, ...made.warnings],
    netAdmin: netAdminAdded(pod, answered).map((container) => ({ container })),
  }
}

function carriedOut(
  decision: Decision,
  pod: JsonObject,
  facts: Facts,
  injected: (mode: SidecarMode) => Injection,
): { readonly pod: JsonObject; readonly warnings: Outcome['warnings'] } {
  if (decision.is !== 'meshed') return { pod, warnings: [] }
  if (decision.mode === 'ambient') return { pod: enrolled(pod, facts.namespace), warnings: [] }
  const injection = injected(decision.mode)
  if (injection.is === 'refused')
    throw new Error(`${decision.mode} was chosen though ${injection.reason.code} refuses it`)
  return injection
}

const NO_ANSWER = Object.fromEntries(Object.values(ANSWER_ANNOTATIONS).map((name) => [name, undefined]))

function answer(decision: Decision, pod: JsonObject): JsonObject {
  switch (decision.is) {
    case 'meshed':
      return withAnnotations(pod, {
        [ANSWER_ANNOTATIONS.decided]: decision.mode,
        [ANSWER_ANNOTATIONS.reason]: decision.reason.code,
      })
    case 'unmeshed':
      return withAnnotations(pod, {
        [ANSWER_ANNOTATIONS.decided]: 'none',
        [ANSWER_ANNOTATIONS.reason]: decision.reason.code,
      })
    case 'left':
    case 'refused':
      return pod
  }
}

function injectionContext(facts: Facts, mode: SidecarMode, workload: Workload | undefined): InjectionContext {
  const { settings, namespace, policy, pathEnv, kubeletVersions, pod } = facts
  return {
    settings,
    mode,
    namespace,
    podNamespace: stringOr(objectOr(pod['metadata'])['namespace']) ?? namespace.name,
    pathEnv,
    nativeSidecars: nativeSidecars(settings.nativeSidecars, kubeletVersions, stringOr(specOf(pod)['nodeName'])),
    seccompDefault: enforcedLevel(pod, namespace, policy) === 'restricted',
    workload,
  }
}
