import type { Verdict } from '../redirection/evidence.ts'
import type { Mode } from '../vocabulary/modes.ts'

/** What was found about one pod that was promised redirection. */
export interface Finding {
  readonly mode: Mode
  readonly verdict: Verdict
  /** how often its rules were made anew since they last held */
  readonly attempts: number
}

/**
 * What to do about a pod. `reprogramme`: its rules are made again where it runs, which new connections go by at once.
 * `evict`: another sandbox is needed, which the leader may give it as the policy says. `tell`: nobody here can mend it.
 */
export type Cure = 'none' | 'reprogramme' | 'evict' | 'tell'

/** Rules that do not hold after so many attempts are undone by something that will do so again. */
const ATTEMPTS = 2

/**
 * What follows from a finding. What is unknown is told and never acted on: a pod is not taken away for a measurement that could
 * not be made. Nor where rules hold and only the proxy is not there: rules are not what is missing.
 */
export function cureOf({ mode, verdict, attempts }: Finding): Cure {
  if (verdict.is === 'redirected') return 'none'
  if (verdict.is === 'unknown' || !isAboutRules(verdict)) return 'tell'
  // the pod's own init container made the rules; in a new sandbox it does so again
  if (mode === 'init') return 'evict'
  return attempts < ATTEMPTS ? 'reprogramme' : 'evict'
}

function isAboutRules({ measured, also }: Verdict): boolean {
  return (
    measured.some(({ holds, reason }) => holds === false && reason.code === 'redirection_bypassed') ||
    also.some(({ code }) => code === 'rules_missing')
  )
}
