import { diff } from '../../core/admission/patch.ts'
import { encodePatch } from '../../core/admission/response.ts'
import type { Facts } from '../../core/decision/facts.ts'
import type { Findings, Outcome } from '../../core/explain/outcome.ts'

/** What is answered about one pod, whichever request asks. */
export interface Answer {
  readonly findings: Findings
  /** as the response carries it; empty where nothing changes */
  readonly patch: string
  /** operations of the patch */
  readonly changes: number
}

export type Decide = (facts: Facts) => Outcome

/** The answer about the pod of `facts`, worked out. */
export function answerOf(facts: Facts, decide: Decide): Answer {
  const { pod, ...findings } = decide(facts)
  const patch = findings.decision.is === 'refused' ? [] : diff(facts.pod, pod)
  return { findings, patch: encodePatch(patch), changes: patch.length }
}
