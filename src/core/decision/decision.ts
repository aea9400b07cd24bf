import type { JsonObject } from '../json/value.ts'
import type { Mode, SidecarMode } from '../vocabulary/modes.ts'
import type { Reason } from '../vocabulary/reasons.ts'

/** A mode that was considered and ruled out, and why. */
export interface Rejected {
  readonly mode: Mode
  readonly reason: Reason
}

/** What becomes of a pod. */
export type Decision =
  | { readonly is: 'meshed'; readonly mode: Mode; readonly reason: Reason; readonly rejected: readonly Rejected[] }
  /** not for the mesh: allowed, untouched */
  | { readonly is: 'left'; readonly reason: Reason }
  /** no mode was possible and the policy says `onImpossible: admit`: allowed, unmeshed, with a warning */
  | { readonly is: 'unmeshed'; readonly reason: Reason; readonly rejected: readonly Rejected[] }
  | { readonly is: 'refused'; readonly reason: Reason; readonly rejected: readonly Rejected[] }

/**
 * The pod as a sidecar mode would make it. Pod Security and NET_ADMIN are judged on this very pod, not on a guess of
 * what the mode adds, and the one that is chosen becomes the result: the work is done once.
 */
export type Rehearsal =
  { readonly is: 'injected'; readonly pod: JsonObject } | { readonly is: 'refused'; readonly reason: Reason }
export type Rehearse = (mode: SidecarMode) => Rehearsal
