import type { Decision } from '../decision/decision.ts'
import type { Mode } from '../vocabulary/modes.ts'
import type { Reason } from '../vocabulary/reasons.ts'
import { remedy, sentence } from '../vocabulary/reasons.ts'

/** The mode that a pod was given, or `none`: what the annotation `sluice-mesh.io/decided` and every surface say. */
export function decidedMode(decision: Decision): Mode | 'none' {
  return decision.is === 'meshed' ? decision.mode : 'none'
}

/** What became of the pod, in two or three words. */
export function verdictWords(decision: Decision): string {
  switch (decision.is) {
    case 'meshed':
      return `mode ${decision.mode}`
    case 'left':
      return 'left alone'
    case 'unmeshed':
      return 'not meshed'
    case 'refused':
      return 'refused'
  }
}

/** `code: sentence` */
export function coded(reason: Reason): string {
  return `${reason.code}: ${sentence(reason)}`
}

/** What to do about these reasons, each advice once. */
export function remedies(reasons: readonly Reason[]): readonly string[] {
  return [...new Set(reasons.map(remedy).filter((text) => text !== null))]
}

/** The reason of a decision, then those of the modes that were ruled out. */
export function reasonsOf({ reason, rejected }: Decision): readonly Reason[] {
  return [reason, ...rejected.map((one) => one.reason)]
}
