import { headline } from './proof-condition.ts'
import { type Reason, sentence } from '../../../core/vocabulary/reasons.ts'
import type { Proof } from './proofs.ts'

/** A pod that starts is unknown for a moment; an alarm is what stays so. */
const UNPROVEN_MS = 5 * 60 * 1000

/** What needs a person: pods that are measured not to be redirected, and those that nobody could measure for long. */
export function proofAlarms(proofs: readonly Proof[], tick: number): readonly Reason[] {
  return proofs.flatMap((proof): readonly Reason[] => {
    const { verdict, mode, ticks } = proof
    const unknownMs = tick - ticks.since
    const pod = `${proof.namespace}/${proof.name}`
    const first = headline(verdict)
    const why = first === undefined ? 'nothing could be measured' : sentence(first)
    switch (verdict.is) {
      case 'redirected':
        return []
      case 'partial':
      case 'bypassing':
        return [{ code: 'pod_not_redirected', args: { pod, mode, verdict: verdict.is, why } }]
      case 'unknown': {
        if (unknownMs < UNPROVEN_MS) return []
        return [{ code: 'pod_unproven', args: { pod, mode, minutes: Math.floor(unknownMs / 60_000), why } }]
      }
    }
  })
}
