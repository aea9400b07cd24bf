import { decodeIntent } from '../intent/codec.ts'
import { annotationsOf } from '../json/pod.ts'
import { ANSWER_ANNOTATIONS } from '../vocabulary/names.ts'
import { sentence, type Reason } from '../vocabulary/reasons.ts'
import type { Outcome } from './outcome.ts'
import { redirectionWords } from './redirection-words.ts'
import { coded, decidedMode, reasonsOf, remedies, verdictWords } from './words.ts'

/** What `sluice explain -o json` prints. The keys are public API. */
export interface Report {
  readonly mode: string
  readonly reason: string
  readonly message: string
  readonly rejected: readonly { readonly mode: string; readonly reason: string; readonly message: string }[]
  readonly warnings: readonly { readonly reason: string; readonly message: string }[]
  readonly netAdmin: readonly string[]
  /** what the rules do, for a pod that is meshed */
  readonly traffic: readonly string[]
}

/** The outcome as data for programs. */
export function reportOf(outcome: Outcome): Report {
  const { decision, warnings, netAdmin } = outcome
  return {
    mode: decidedMode(decision),
    reason: decision.reason.code,
    message: sentence(decision.reason),
    rejected: decision.rejected.map(({ mode, reason }) => ({ mode, reason: reason.code, message: sentence(reason) })),
    warnings: warnings.map((reason) => ({ reason: reason.code, message: sentence(reason) })),
    netAdmin: netAdmin.map(({ container }) => container),
    traffic: trafficOf(outcome),
  }
}

/** One line of a table: what it is about, and what it says. */
export type TableRow = readonly [head: string, text: string]

/**
 * The outcome as a small table for people; what is to be done, where something is. `beside`: what is known besides, and the
 * reasons among it, which have remedies of their own.
 */
export function tableOf(
  outcome: Outcome,
  beside: { readonly rows: readonly TableRow[]; readonly reasons: readonly Reason[] } = { rows: [], reasons: [] },
): string {
  const { decision, warnings, netAdmin } = outcome
  const open = decision.is === 'refused' || decision.is === 'unmeshed'
  const needs = [...(open ? reasonsOf(decision) : []), ...warnings, ...beside.reasons]
  const rows: TableRow[] = [
    ['decision', verdictWords(decision)],
    ['reason', coded(decision.reason)],
    ...decision.rejected.map(({ mode, reason }): TableRow => [`not ${mode}`, coded(reason)]),
    ...beside.rows,
    ...netAdmin.map(({ container }): TableRow => ['NET_ADMIN', `granted to ${container}`]),
    ...trafficOf(outcome).map((words): TableRow => ['traffic', words]),
    ...warnings.map((reason): TableRow => ['warning', coded(reason)]),
    ...remedies(needs).map((advice): TableRow => ['to do', advice]),
  ]
  const width = Math.max(...rows.map(([head]) => head.length))
  return rows.map(([head, text]) => `${head.padEnd(width)}  ${text}\n`).join('')
}

/** The words of the intent that the pod was given; without one (`istio-init` decides by itself and will fail) there are none. */
function trafficOf({ pod }: Outcome): readonly string[] {
  const written = annotationsOf(pod)[ANSWER_ANNOTATIONS.intent]
  const decoded = written === undefined ? undefined : decodeIntent(written)
  return decoded?.is === 'redirect' ? redirectionWords(decoded.intent) : []
}
