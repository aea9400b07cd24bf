import { oneLine } from './one-line.ts'
import { AMBIENT_REASONS } from './reasons/ambient.ts'
import { BOUNDARY_REASONS } from './reasons/boundary.ts'
import { CLUSTER_REASONS } from './reasons/cluster.ts'
import { DECISION_REASONS } from './reasons/decision.ts'
import { INJECTION_REASONS } from './reasons/injection.ts'
import { INSTALLER_REASONS } from './reasons/installer.ts'
import { LEDGER_REASONS } from './reasons/ledger.ts'
import { LEADER_REASONS } from './reasons/leader.ts'
import { MEASUREMENT_REASONS } from './reasons/measurement.ts'
import { NODE_REASONS } from './reasons/node.ts'
import { PLAN_REASONS } from './reasons/plan.ts'
import type { ReasonLevel, ReasonRow } from './reasons/reason-row.ts'
import { REDIRECTION_REASONS } from './reasons/redirection.ts'
import { REGISTRATION_REASONS } from './reasons/registration.ts'
import { ZTUNNEL_REASONS } from './reasons/ztunnel.ts'

/**
 * Every outcome that Sluice can give, one code each: the same in the command line, the dry-run warning, the pod's
 * annotation, the CNI error, the event, the log line, the metric, the audit annotation and docs/reasons.md (promise 2).
 * A code is public API: it is never renamed and never given a second meaning.
 */
export const REASONS = {
  ...BOUNDARY_REASONS,
  ...DECISION_REASONS,
  ...INJECTION_REASONS,
  ...REDIRECTION_REASONS,
  ...MEASUREMENT_REASONS,
  ...CLUSTER_REASONS,
  ...LEADER_REASONS,
  ...NODE_REASONS,
  ...ZTUNNEL_REASONS,
  ...AMBIENT_REASONS,
  ...INSTALLER_REASONS,
  ...REGISTRATION_REASONS,
  ...LEDGER_REASONS,
  ...PLAN_REASONS,
} as const satisfies Record<string, ReasonRow>

export type ReasonCode = keyof typeof REASONS

/** For a sentence without arguments. */
export type NoArgs = Readonly<Record<string, never>>

/** The arguments that the sentence of `C` takes. */
export type ReasonArgs<C extends ReasonCode> = Parameters<(typeof REASONS)[C]['says']> extends [infer A] ? A : NoArgs

/** A reason with the arguments of its sentence: what functions return and surfaces print. */
export type Reason = { readonly [C in ReasonCode]: { readonly code: C; readonly args: ReasonArgs<C> } }[ReasonCode]

/** The sentence of `reason`, without a full stop, on one line and as it was written. */
export function sentence(reason: Reason): string {
  const says = REASONS[reason.code].says as (args: unknown) => string
  return oneLine(says(reason.args))
}

/** What to do about `reason`, or null. */
export function remedy(reason: Reason): string | null {
  return REASONS[reason.code].fix
}

/** What kind of fact `reason` is. */
export function levelOf(reason: Reason): ReasonLevel {
  return REASONS[reason.code].level
}
