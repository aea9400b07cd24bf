import type { Measured, Verdict } from '../../../core/redirection/evidence.ts'
import { type Reason, type ReasonCode, remedy, sentence } from '../../../core/vocabulary/reasons.ts'
import { remedies } from '../../../core/explain/words.ts'

/** A reason for machines: its code and its sentence. */
interface SaidReason {
  readonly code: ReasonCode
  readonly message: string
  readonly fix: string | null
}

/** A verdict for machines: `sluice verify -o json`. */
export interface VerdictReport {
  readonly verdict: Verdict['is']
  readonly measured: readonly (Omit<Measured, 'reason'> & SaidReason)[]
  readonly also: readonly SaidReason[]
}

/** `verdict` with its sentences, each class, family and address apart. */
export function verdictReport({ is, measured, also }: Verdict): VerdictReport {
  return {
    verdict: is,
    measured: measured.map(({ reason, ...one }) => ({ ...one, ...said(reason) })),
    also: also.map(said),
  }
}

/** `verdict` for people: what holds, what does not, and what to do. */
export function verdictText({ is, measured, also }: Verdict): string {
  const lines = [
    ...measured.map(({ holds, reason }) => [holds === null ? 'unknown' : holds ? 'holds' : 'fails', reason] as const),
    ...also.map((reason) => ['also', reason] as const),
  ]
  const fixes = remedies(lines.map(([, reason]) => reason))
  return [
    is,
    ...lines.map(([word, reason]) => `  ${word.padEnd(8)} ${sentence(reason)}`),
    ...fixes.map((fix) => `  ${'fix'.padEnd(8)} ${fix}`),
  ]
    .map((line) => `${line}\n`)
    .join('')
}

function said(reason: Reason): SaidReason {
  return { code: reason.code, message: sentence(reason), fix: remedy(reason) }
}
