import { annotationsOf, labelsOf, specOf, withAnnotations, withLabels } from '../json/pod.ts'
import type { JsonObject } from '../json/value.ts'
import { objectsOf, stringOr } from '../json/value.ts'
import type { Draft, InjectionContext, Step } from './draft.ts'
import { STRIP_PREVIOUS } from './merge/apply-templates.ts'
import { previousInjection, STATUS_ANNOTATION } from './merge/previous-injection.ts'
import { InjectionRefusal } from './refusal.ts'
import { RESTORE_TRAFFIC } from './restore-traffic.ts'
import { SETTLE } from './settle.ts'
import { VALIDATE_ANNOTATIONS } from './validate-annotations.ts'

/** The steps of an injection that take an earlier one out. */
const UNDO: readonly Step[] = [VALIDATE_ANNOTATIONS, SETTLE, STRIP_PREVIOUS, RESTORE_TRAFFIC]

const TLS_MODE = 'security.istio.io/tlsMode'
const REVISION = 'istio.io/rev'

/**
 * `pod` as it was before an earlier injection, as far as that can be told: what a decision is made about, and what becomes
 * of a pod that now gets no sidecar. The very same object where the pod was not injected. Labels for telemetry stay; those
 * that make others speak mutual TLS to a sidecar go.
 */
export function uninjected(pod: JsonObject, context: InjectionContext): JsonObject {
  const previous = previousInjection(pod)
  if (previous.is !== 'injected') return pod
  const bare = undone(pod, context)
  if (bare === undefined) return pod
  const tlsMode = labelsOf(bare)[TLS_MODE]
  return withLabels(withAnnotations(withoutLeftovers(bare, previous.status.volumes), { [REVISION]: undefined }), {
    [TLS_MODE]: tlsMode === 'istio' ? undefined : tlsMode,
  })
}

/** Volumes of the earlier injection go, and so do lists that only it filled. */
function withoutLeftovers(pod: JsonObject, names: readonly string[]): JsonObject {
  const { initContainers, volumes, ...rest } = specOf(pod)
  const own = objectsOf(volumes).filter((volume) => !names.includes(stringOr(volume['name']) ?? ''))
  return {
    ...pod,
    spec: {
      ...rest,
      ...(objectsOf(initContainers).length === 0 ? {} : { initContainers }),
      ...(own.length === 0 ? {} : { volumes: own }),
    },
  }
}

/** undefined where the earlier injection cannot be taken out: the injection itself will meet the same problem, and refuse the pod. */
function undone(pod: JsonObject, context: InjectionContext): JsonObject | undefined {
  const start: Draft = { original: pod, pod, said: {}, proxyConfig: {}, native: context.nativeSidecars, warnings: [] }
  try {
    return UNDO.reduce((draft, step) => step.apply(draft, context), start).pod
  } catch (error) {
    if (error instanceof InjectionRefusal) return undefined
    throw error
  }
}

/**
 * `pod` without an annotation `sidecar.istio.io/status` that no sidecar stands behind: the node would take it for a pod
 * with a sidecar, and leave it out of ambient.
 */
export function withoutStatus(pod: JsonObject): JsonObject {
  return annotationsOf(pod)[STATUS_ANNOTATION] === undefined
    ? pod
    : withAnnotations(pod, { [STATUS_ANNOTATION]: undefined })
}
