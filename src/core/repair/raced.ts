import { annotationsOf } from '../json/pod.ts'
import { type JsonObject, objectOr, objectsOf, stringOr } from '../json/value.ts'
import { CONTAINERS, ISTIO_ANNOTATIONS } from '../vocabulary/names.ts'

/** What tells a pod that started without redirection from one that fails for reasons of its own. */
export interface RacedSign {
  /** only pods with this annotation; empty: any */
  readonly annotation: string
  /** only this init container; empty: any */
  readonly initContainer: string
  /** what it exits with; 0: anything */
  readonly exitCode: number
  /** its termination message, white space around it apart; empty: any */
  readonly message: string
}

/** What `istio-validation` exits with where nothing is redirected (cni.md §4.9). */
export const NOT_REDIRECTED = 126

/** As the injection leaves it: only the check that it put into the pod speaks of redirection. */
export const FAILED_CHECK: RacedSign = {
  annotation: ISTIO_ANNOTATIONS.status,
  initContainer: CONTAINERS.validation,
  exitCode: NOT_REDIRECTED,
  message: '',
}

/**
 * Did an init container of `pod` find that nothing is redirected, so that it keeps failing? True while its last run ended
 * with the sign and the present one has not succeeded (cni.md §7).
 */
export function hasRaced(pod: JsonObject, sign: RacedSign): boolean {
  return racedStatus(pod, sign) !== undefined
}

/** How often the init container that bears the sign was started again; 0 where none bears it. */
export function racedRestarts(pod: JsonObject, sign: RacedSign): number {
  const restarts = racedStatus(pod, sign)?.['restartCount']
  return typeof restarts === 'number' ? restarts : 0
}

function racedStatus(pod: JsonObject, sign: RacedSign): JsonObject | undefined {
  if (sign.annotation !== '' && !Object.hasOwn(annotationsOf(pod), sign.annotation)) return undefined
  return objectsOf(objectOr(pod['status'])['initContainerStatuses'])
    .filter(({ name }) => sign.initContainer === '' || name === sign.initContainer)
    .find((status) => !hasSucceeded(terminated(status['state'])) && bears(terminated(status['lastState']), sign))
}

interface Terminated {
  readonly exitCode: number
  readonly reason: string
  readonly message: string
}

function terminated(state: unknown): Terminated | undefined {
  const ended = objectOr(state)['terminated']
  if (ended === undefined || ended === null) return undefined
  const { exitCode, reason, message } = objectOr(ended)
  return {
    exitCode: typeof exitCode === 'number' ? exitCode : 0,
    reason: stringOr(reason) ?? '',
    message: stringOr(message) ?? '',
  }
}

function hasSucceeded(ended: Terminated | undefined): boolean {
  return ended !== undefined && (ended.exitCode === 0 || ended.reason === 'Completed')
}

function bears(ended: Terminated | undefined, sign: RacedSign): boolean {
  if (ended === undefined) return false
  const message = sign.message.trim()
  return (
    (message === '' || ended.message.trim() === message) && (sign.exitCode === 0 || ended.exitCode === sign.exitCode)
  )
}
