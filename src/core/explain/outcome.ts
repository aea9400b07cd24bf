import type { Decision } from '../decision/decision.ts'
import type { JsonObject } from '../json/value.ts'
import type { Reason } from '../vocabulary/reasons.ts'

/** NET_ADMIN that Sluice's injection gives to one container of the pod: counted wherever it is granted. */
interface NetAdminGrant {
  readonly container: string
}

/** All that is to be said about one pod: every surface is made from this one value. */
export interface Findings {
  readonly decision: Decision
  /** level `warn`: what a person should know although it was done */
  readonly warnings: readonly Reason[]
  readonly netAdmin: readonly NetAdminGrant[]
}

/** What is to be said, and done. */
export interface Outcome extends Findings {
  /** the pod as it should be; the very same object as the input where nothing changes */
  readonly pod: JsonObject
}
