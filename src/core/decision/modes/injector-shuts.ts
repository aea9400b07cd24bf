import type { Reason } from '../../vocabulary/reasons.ts'
import type { Case } from './verdict.ts'

/** The reason against any sidecar where the injector's configuration cannot be read, if so. */
export function injectorShuts({ injector }: Case): readonly Reason[] {
  return !injector.injects && injector.reason.code === 'policy_invalid' ? [injector.reason] : []
}
