import { annotationsOf } from '../json/pod.ts'
import type { JsonObject } from '../json/value.ts'
import type { Mode } from '../vocabulary/modes.ts'
import { ANSWER_ANNOTATIONS } from '../vocabulary/names.ts'
import type { Outcome } from './outcome.ts'
import { modeOfLivePod } from './live-pod.ts'
import { type PatchOperation, patchWords } from './patch-words.ts'
import { decidedMode } from './words.ts'

/** What today's labels, settings and nodes would make of a running pod that was created again (quirk 41). */
export interface Staleness {
  readonly stale: boolean
  readonly from: Mode | 'none'
  /** `refused`: the pod could not be created again */
  readonly to: Mode | 'none' | 'refused'
  /** what would change in the pod, a line each; nothing for a pod that is refused */
  readonly changes: readonly string[]
}

const ANSWERS: readonly string[] = Object.values(ANSWER_ANNOTATIONS).map(
  (name) => `/metadata/annotations/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`,
)

/**
 * `patch` leads from `before`, the pod as it would be sent again, to what the outcome makes of it. Answers alone (a pod that
 * Istio injected has none) make no pod stale.
 */
export function stalenessOf(before: JsonObject, { decision }: Outcome, patch: readonly PatchOperation[]): Staleness {
  const from = modeOfLivePod(before)
  const to = decision.is === 'refused' ? 'refused' : decidedMode(decision)
  const real = decision.is === 'refused' ? [] : patch.filter((operation) => !isAnswer(operation, before))
  return { stale: from !== to || real.length > 0, from, to, changes: patchWords(real, before) }
}

/** The answers come in one operation where the pod had no annotation at all. */
function isAnswer({ path, value }: PatchOperation, before: JsonObject): boolean {
  if (ANSWERS.includes(path)) return true
  if (path !== '/metadata/annotations' || Object.keys(annotationsOf(before)).length > 0) return false
  const added = Object.keys(typeof value === 'object' && value !== null ? value : {})
  return added.every((name) => Object.values(ANSWER_ANNOTATIONS).some((answer) => answer === name))
}
