import { annotationsOf, containersOf, hasEnded, specOf } from '../json/pod.ts'
import { type JsonObject, objectOr, stringOr } from '../json/value.ts'
import { MODES, type Mode } from '../vocabulary/modes.ts'
import { ANSWER_ANNOTATIONS, CONTAINERS, ISTIO_ANNOTATIONS } from '../vocabulary/names.ts'

/** Metadata that the API server keeps; nobody sends it along with a new pod. */
const SERVER_METADATA = [
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'managedFields',
  'selfLink',
]

/**
 * A running pod as it would be sent to be created again: without what the API server, the scheduler and `kubectl debug` added.
 * Its answer to "what would become of you today?" is the decision about this.
 */
export function asCreated(pod: JsonObject): JsonObject {
  return {
    ...without(pod, ['status']),
    metadata: without(objectOr(pod['metadata']), SERVER_METADATA),
    spec: without(specOf(pod), ['nodeName', 'ephemeralContainers']),
  }
}

function without(object: JsonObject, keys: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)))
}

/** Does anything of the pod run, or may it yet? */
export function isLive(pod: JsonObject): boolean {
  return !hasEnded(pod)
}

/**
 * How a pod that exists joined the mesh, by what stands in its spec; for a pod without a sidecar, by what was decided or by
 * what its node wrote. That its traffic really is redirected only a measurement tells.
 */
export function modeOfLivePod(pod: JsonObject): Mode | 'none' {
  const names = containersOf(pod).map(({ name }) => name)
  if (names.includes(CONTAINERS.init)) return 'init'
  if (names.includes(CONTAINERS.validation)) return 'cni'
  const annotations = annotationsOf(pod)
  const decided = MODES.find((mode) => mode === annotations[ANSWER_ANNOTATIONS.decided])
  if (names.includes(CONTAINERS.proxy)) return decided === 'cni' || decided === 'init' ? decided : 'none'
  return annotations[ISTIO_ANNOTATIONS.ambientRedirection] === 'enabled' || decided === 'ambient' ? 'ambient' : 'none'
}

/** `namespace/name` */
export function namespacedName(pod: JsonObject): string {
  const { namespace, name } = objectOr(pod['metadata'])
  return `${stringOr(namespace) ?? ''}/${stringOr(name) ?? ''}`
}
