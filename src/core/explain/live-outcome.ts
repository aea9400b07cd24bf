import type { Facts } from '../decision/facts.ts'
import type { Audience } from '../decision/selectors.ts'
import type { Outcome } from './outcome.ts'
import type { JsonObject } from '../json/value.ts'
import type { Reason } from '../vocabulary/reasons.ts'
import { type InjectorAsked, injectorsAsked, labelsForSelectors, registered } from '../registration/injectors-asked.ts'

/** The live webhook configurations, and for whom this installation speaks. */
export interface Registry {
  readonly webhooks: readonly JsonObject[]
  readonly audience: Audience
}

/** What becomes of a pod in a live cluster. */
export interface LiveOutcome {
  /** where no webhook of Sluice's is asked, the pod is left alone */
  readonly outcome: Outcome
  /** what would become of it if Sluice were asked; undefined where it is */
  readonly ifAsked: Outcome | undefined
  readonly asked: readonly InjectorAsked[]
  readonly findings: readonly Reason[]
}

/** `outcome`, the decision about the pod of `facts`, as far as the live configurations let it come to one. */
export function liveOutcome(facts: Facts, outcome: Outcome, { webhooks, audience }: Registry): LiveOutcome {
  const labels = labelsForSelectors(facts.pod, facts.namespace)
  const asked = injectorsAsked(webhooks, labels)
  const { whyNot, findings } = registered(asked, labels, audience)
  const [reason] = whyNot
  if (reason === undefined) return { outcome, ifAsked: undefined, asked, findings }
  const by = { place: 'namespace', text: 'the selectors of the webhook configurations' } as const
  const left: Outcome = {
    decision: { is: 'left', reason, by, rejected: [], warnings: [] },
    pod: facts.pod,
    warnings: [],
    netAdmin: [],
  }
  return { outcome: left, ifAsked: outcome, asked, findings }
}
