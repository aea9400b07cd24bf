import type { JsonObject } from '../json/value.ts'
import type { Mode } from '../vocabulary/modes.ts'
import type { Reason } from '../vocabulary/reasons.ts'
import type { Source } from './source.ts'

/** A mode that was ruled out, and one reason for it; a mode with several reasons stands several times. */
export interface Rejected {
  readonly mode: Mode
  readonly reason: Reason
}

interface Considered {
  readonly reason: Reason
  /** the label, setting or field that was followed; the others lost to it, or say the same */
  readonly by: Source
  /** where a mode was chosen: those with less privilege; else all; least privilege first */
  readonly rejected: readonly Rejected[]
  /** what a person should know about the choice although it was made */
  readonly warnings: readonly Reason[]
}

/** What becomes of a pod. */
export type Decision =
  | ({ readonly is: 'meshed'; readonly mode: Mode } & Considered)
  /** not for the mesh: allowed, untouched */
  | ({ readonly is: 'left' } & Considered)
  /** no mode was possible and the policy says `onImpossible: admit`: allowed, unmeshed, with a warning */
  | ({ readonly is: 'unmeshed' } & Considered)
  | ({ readonly is: 'refused' } & Considered)

/**
 * The pod as a mode would make it. Pod Security and NET_ADMIN are judged on this very pod, not on a guess of what the mode
 * adds, and the one that is chosen becomes the result: the work is done once.
 */
export type Rehearsal =
  { readonly is: 'made'; readonly pod: JsonObject } | { readonly is: 'refused'; readonly reason: Reason }
export type Rehearse = (mode: Mode) => Rehearsal
