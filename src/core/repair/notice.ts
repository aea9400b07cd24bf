import { specOf } from '../json/pod.ts'
import { type JsonObject, objectOr, objectsOf, stringOr } from '../json/value.ts'
import { timeOf } from '../nodes/agent-pod.ts'
import { POD_CONDITIONS } from '../vocabulary/names.ts'
import { oneLine } from '../vocabulary/one-line.ts'
import { type ReasonCode, REASONS } from '../vocabulary/reasons.ts'

/** What the agent of a pod's node says of it, where whoever owns the pod should hear it. */
export interface Notice {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly node: string
  /** `bad`: measured not to be redirected; `unknown`: nobody could tell; `mended`: it was not, and is again */
  readonly is: 'bad' | 'unknown' | 'mended'
  /** the reason code of the condition */
  readonly code: string
  /** the sentence of the condition, as far as it is kept */
  readonly message: string
  /** since when the agent says so, in milliseconds since 1970; undefined where that is not told */
  readonly sinceMs: number | undefined
}

/** The condition says it in full; what is kept of every pod that is not redirected is bounded. */
const LONGEST_MESSAGE = 300
/** A pod that starts is unknown for a moment; what stays so is told. */
export const UNKNOWN_MS = 5 * 60 * 1000
/** What cannot be a reason code was not written by an agent. A later version may have codes that this one does not know. */
const CODE = /^[a-z][a-z0-9_]{2,62}$/
const UID = /^[0-9a-z][0-9a-z-]{0,62}$/
const MENDED: ReasonCode = 'redirection_restored'

/** What there is to tell of `pod`; that it is redirected only where it `wasBad`, or where the agent mended it by itself. */
export function projectNotice(pod: JsonObject, wasBad: (uid: string) => boolean): Notice | undefined {
  const { namespace, name, uid, deletionTimestamp } = objectOr(pod['metadata'])
  const said = objectsOf(objectOr(pod['status'])['conditions']).find(({ type }) => type === POD_CONDITIONS.redirected)
  const code = stringOr(said?.['reason']) ?? ''
  if (said === undefined || deletionTimestamp !== undefined || typeof uid !== 'string') return undefined
  if (!CODE.test(code) || !UID.test(uid)) return undefined
  const is = standing(said['status'], () => code === MENDED || wasBad(uid))
  if (is === undefined) return undefined
  return {
    namespace: stringOr(namespace) ?? '',
    name: stringOr(name) ?? '',
    uid,
    node: stringOr(specOf(pod)['nodeName']) ?? '',
    is,
    code,
    message: oneLine(stringOr(said['message']) ?? '').slice(0, LONGEST_MESSAGE),
    sinceMs: timeOf(stringOr(said['lastTransitionTime'])),
  }
}

function standing(status: unknown, isNews: () => boolean): Notice['is'] | undefined {
  if (status === 'False') return 'bad'
  if (status === 'Unknown') return 'unknown'
  return status === 'True' && isNews() ? 'mended' : undefined
}

/** Is it time to tell it? */
export function isDue({ is, sinceMs }: Notice, nowMs: number): boolean {
  return is !== 'unknown' || sinceMs === undefined || nowMs - sinceMs >= UNKNOWN_MS
}

/** The same for the same news, whoever tells it: the name of its event. No code makes it the name of another kind of event. */
export function eventName({ uid, code }: Notice): string {
  return `sluice-measured-${uid}-${code.replaceAll('_', '-')}`
}

/** What the event says: the agent's sentence, and what to do about it. */
export function noteOf({ code, message, node }: Notice): string {
  const fix = Object.hasOwn(REASONS, code) ? REASONS[code as ReasonCode].fix : null
  return `${message} (measured by the agent of node ${node})${fix === null ? '' : `; to do: ${fix}`}`
}
