import type { Reason } from '../vocabulary/reasons.ts'

/** Thrown by a step when the pod cannot be injected; caught once, in `inject`. */
export class InjectionRefusal extends Error {
  readonly reason: Reason

  constructor(reason: Reason) {
    super(reason.code)
    this.name = 'InjectionRefusal'
    this.reason = reason
  }
}
