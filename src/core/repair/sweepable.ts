import { hasEnded, specOf } from '../json/pod.ts'
import { type JsonObject, objectOr, objectsOf, stringOr } from '../json/value.ts'
import { CONTAINERS } from '../vocabulary/names.ts'
import { FAILED_CHECK, NOT_REDIRECTED, racedRestarts } from './raced.ts'

/** Has `pod` a network namespace of its own now, in which something may run? */
export function hasOwnNetwork(pod: JsonObject): boolean {
  const { podIP } = objectOr(pod['status'])
  const isGoing = objectOr(pod['metadata'])['deletionTimestamp']
  if (isGoing !== undefined && isGoing !== null) return false
  return specOf(pod)['hostNetwork'] !== true && !hasEnded(pod) && stringOr(podIP) !== undefined
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

/** With what a pod was measured last. */
export interface Measured {
  /** its sidecar, as the runtime names it: another one is another process, which may listen or not */
  readonly sidecar: string | undefined
  /** how often its own check had failed */
  readonly failures: number
}

/** How often the check of `pod` has failed for want of redirection, as far as it has not succeeded since. */
export function failedChecks(pod: JsonObject): number {
  return racedRestarts(pod, FAILED_CHECK)
}

/**
 * Is there something to measure of a running pod that was not there `before` (undefined: never measured): a network, a `sidecar` that
 * should listen by now, or another failure of the pod's own check, which then waits for the rules?
 */
export function hasNews(pod: JsonObject, sidecar: string | undefined, before: Measured | undefined): boolean {
  if (before === undefined) return true
  return (sidecar !== undefined && sidecar !== before.sidecar) || failedChecks(pod) > before.failures
}
