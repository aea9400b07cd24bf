import type { Reason } from '../vocabulary/reasons.ts'
import type { Intent, IntentResult } from './intent.ts'

/** Thrown inside this room where a value cannot be read; never leaves it. */
export class IntentRefusal extends Error {
  readonly reason: Reason

  constructor(reason: Reason) {
    super(reason.code)
    this.name = 'IntentRefusal'
    this.reason = reason
  }
}

/** What `make` gives, or the refusal that it ended in. */
export function refusable<T>(make: () => T): T | { readonly is: 'refused'; readonly reason: Reason } {
  try {
    return make()
  } catch (error) {
    if (error instanceof IntentRefusal) return { is: 'refused', reason: error.reason }
    throw error
  }
}

/** The intent that `make` reads, as a result. */
export function readIntent(make: () => Intent): IntentResult {
  return refusable<IntentResult>(() => ({ is: 'redirect', intent: make() }))
}
