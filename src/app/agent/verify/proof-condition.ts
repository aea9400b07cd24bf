import type { Judgement, Verdict } from '../../../core/redirection/evidence.ts'
import { type Reason, sentence } from '../../../core/vocabulary/reasons.ts'

/** A condition in the status of a pod. */
export interface PodCondition {
  readonly type: string
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason: string
  readonly message: string
}

const STATUS: Readonly<Record<Judgement, PodCondition['status']>> = {
  redirected: 'True',
  partial: 'False',
  bypassing: 'False',
  unknown: 'Unknown',
}

/** Longer messages help nobody who reads a status. */
const LONGEST_MESSAGE = 1000

/** What a verdict says about a pod, as a condition of `type`: what speaks against it first. */
export function conditionOf(type: string, verdict: Verdict): PodCondition {
  const message = reasonsFor(verdict).map(sentence).join('; ')
  return {
    type,
    status: STATUS[verdict.is],
    reason: headline(verdict)?.code ?? 'redirection_unknown',
    message: message.length > LONGEST_MESSAGE ? `${message.slice(0, LONGEST_MESSAGE - 1)}…` : message,
  }
}

/** The reason that tells most about `verdict`; undefined where nothing at all was measured. */
export function headline(verdict: Verdict): Reason | undefined {
  return reasonsFor(verdict)[0]
}

/** What fails, then what else speaks against it, then what is unknown; what holds only where nothing else is to be said. */
function reasonsFor({ measured, also }: Verdict): readonly Reason[] {
  const those = (holds: boolean | null): readonly Reason[] =>
    measured.filter((one) => one.holds === holds).map(({ reason }) => reason)
  const against = [...those(false), ...also, ...those(null)]
  return against.length > 0 ? against : those(true)
}
