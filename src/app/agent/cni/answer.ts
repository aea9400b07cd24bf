import { type Reason, remedy, sentence } from '../../../core/vocabulary/reasons.ts'

/** What becomes of a request, with the one reason that every surface gives. */
export interface CniOutcome {
  readonly is: 'passed' | 'redirected' | 'refused'
  readonly reason: Reason
  /** an earlier ADD of the same sandbox was answered so: what is there is not this one's to take back */
  readonly isRepeat?: boolean
}

/** CNI's "try again later", which the kubelet does after any refusal; from 100 on codes are a plugin's own. */
const TRY_AGAIN = 11
const REFUSED = 100

/** What passes by itself. */
const PASSING: readonly Reason['code'][] = ['agent_busy', 'agent_stopping', 'caller_gave_up', 'pod_not_known_yet']

/** The answer as contract/answer.schema.json has it. */
export function encodeAnswer({ is, reason }: CniOutcome): string {
  if (is !== 'refused') return JSON.stringify({ version: 1 })
  const code = PASSING.includes(reason.code) ? TRY_AGAIN : REFUSED
  const details = remedy(reason)
  const error = { code, msg: `sluice: ${reason.code}: ${sentence(reason)}`, ...(details !== null && { details }) }
  return JSON.stringify({ version: 1, error })
}
