import type { Findings } from './outcome.ts'
import { decidedMode } from './words.ts'

/** Fields of the one log line of a decision: codes and names only, never a value of an environment variable. */
export function logFields({
  decision,
  warnings,
  netAdmin,
}: Findings): Readonly<Record<string, string | readonly string[]>> {
  return {
    decision: decision.is,
    mode: decidedMode(decision),
    reason: decision.reason.code,
    rejected: decision.rejected.map(({ mode, reason }) => `${mode}:${reason.code}`),
    netAdmin: netAdmin.map(({ container }) => container),
    warnings: warnings.map(({ code }) => code),
  }
}
