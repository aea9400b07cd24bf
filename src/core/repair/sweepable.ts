import { specOf } from '../json/pod.ts'
import { type JsonObject, objectOr, objectsOf, stringOr } from '../json/value.ts'
import { CONTAINERS } from '../vocabulary/names.ts'

/** Has `pod` a network namespace of its own now, in which something may run? */
export function hasOwnNetwork(pod: JsonObject): boolean {
  const { phase, podIP } = objectOr(pod['status'])
  const isGoing = objectOr(pod['metadata'])['deletionTimestamp']
  if (isGoing !== undefined && isGoing !== null) return false
  return (
    specOf(pod)['hostNetwork'] !== true && phase !== 'Succeeded' && phase !== 'Failed' && stringOr(podIP) !== undefined
  )
}

/** The addresses of `pod`, as its status has them. */
export function addressesOf(pod: JsonObject): readonly string[] {
  const { podIP, podIPs } = objectOr(pod['status'])
  const all = objectsOf(podIPs).map(({ ip }) => ip)
  return [...new Set([podIP, ...all].filter((ip) => typeof ip === 'string' && ip !== ''))] as readonly string[]
}

/**
 * The container of the sidecar that should listen by now, as its runtime names it; undefined where none should: before it starts,
 * nobody listening is as it should be.
 */
export function readySidecar(pod: JsonObject): string | undefined {
  const { initContainerStatuses, containerStatuses } = objectOr(pod['status'])
  const found = [...objectsOf(initContainerStatuses), ...objectsOf(containerStatuses)].find(
    ({ name, ready }) => name === CONTAINERS.proxy && ready === true,
  )
  return found === undefined ? undefined : (stringOr(found['containerID']) ?? '')
}

/**
 * Did `pod` end because nothing was redirected, and will never be tried again (`restartPolicy: Never`)? Only another pod in its
 * place can do better.
 */
export function endedUnredirected(pod: JsonObject): boolean {
  if (specOf(pod)['restartPolicy'] !== 'Never') return false
  return objectsOf(objectOr(pod['status'])['initContainerStatuses']).some(
    ({ name, state }) =>
      name === CONTAINERS.validation && objectOr(objectOr(state)['terminated'])['exitCode'] === NOT_REDIRECTED,
  )
}

/** What `istio-validation` exits with where nothing is redirected (cni.md §4.9). */
const NOT_REDIRECTED = 126
