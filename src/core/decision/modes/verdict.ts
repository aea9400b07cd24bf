import type { Reason } from '../../vocabulary/reasons.ts'
import type { Rehearse } from '../decision.ts'
import type { InjectorVerdict } from '../eligibility.ts'
import type { Facts } from '../facts.ts'

/** Whether a mode is open to a pod: allowed and possible. */
export type Verdict =
  | { readonly is: 'open' }
  /** every reason that is known without more work */
  | { readonly is: 'shut'; readonly reasons: readonly [Reason, ...Reason[]] }
  /** the pod cannot be made what any mode wants: something about it is wrong */
  | { readonly is: 'unmakeable'; readonly reason: Reason }

/** What a mode is judged by. */
export interface Case {
  readonly facts: Facts
  readonly injector: InjectorVerdict
  readonly rehearse: Rehearse
}

export type Assess = (one: Case) => Verdict

/** `open` where nothing speaks against it. */
export function verdict(reasons: readonly Reason[]): Verdict {
  const [first, ...rest] = reasons
  return first === undefined ? { is: 'open' } : { is: 'shut', reasons: [first, ...rest] }
}
