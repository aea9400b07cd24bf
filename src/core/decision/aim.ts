import type { Family, Mode } from '../vocabulary/modes.ts'
import { familyOf, MODES_OF } from '../vocabulary/modes.ts'
import type { Reason } from '../vocabulary/reasons.ts'
import type { InjectorVerdict } from './eligibility.ts'
import type { Facts } from './facts.ts'
import type { LabelsAsk } from './labels-ask.ts'
import { ambientRefusal, labelsAsk } from './labels-ask.ts'
import { permitted } from './permission.ts'
import { sidecarNeed } from './sidecar-needs.ts'
import type { Source } from './source.ts'
import type { Wished } from './wish.ts'
import { isExplicit, wishOf } from './wish.ts'

/** What is to be tried for a pod, before anybody asks whether it is allowed and possible. */
export type Aim =
  | { readonly is: 'left' | 'refused'; readonly reason: Reason; readonly warnings: readonly Reason[] }
  | {
      readonly is: 'try'
      /** in this order: the first that is allowed and possible is taken */
      readonly modes: readonly Mode[]
      /** tried after them: the other family's, where the policy says `crossFamily` */
      readonly crossing: readonly Mode[]
      /** set where one mode was named: it is granted or refused, never replaced */
      readonly wished: Source | undefined
      /** why a mode that is not among `modes` was not tried */
      readonly notTried: (mode: Mode) => Reason
      readonly warnings: readonly Reason[]
    }

/**
 * Brings wish, Istio's labels and policy together (design: "The decision", 1 and 2). An explicit wish that contradicts
 * Istio's labels is warned of in any case; the policy's `contradiction` says which of the two is followed.
 */
export function aimOf(facts: Facts, verdict: InjectorVerdict): Aim {
  const reading = wishOf(facts)
  if (reading.is === 'unknown') return { is: 'refused', reason: reading.reason, warnings: [] }
  const { wished } = reading
  const asked = labelsAsk(facts, verdict, wished)
  if (asked === undefined || !contradict(wished, asked)) return follow(facts, verdict, wished, asked)

  const wins = facts.policy.contradiction
  const clash: Reason = {
    code: 'wish_contradicts_labels',
    args: { place: wished.by.text, wish: wished.wish, label: asked.by.text, winner: WINNER_TEXT[wins] },
  }
  const aim =
    wins === 'wish'
      ? follow(facts, verdict, wished, undefined)
      : follow(
          facts,
          verdict,
          { wish: 'auto', by: { place: 'policy', text: "the policy's contradiction=labels" } },
          asked,
        )
  return { ...aim, warnings: [clash, ...aim.warnings] }
}

const WINNER_TEXT = { wish: 'the wish wins', labels: "Istio's labels win" } as const

/** An opt-out on the pod against its namespace is no contradiction but what opt-outs are for. */
function contradict(wished: Wished, asked: NonNullable<LabelsAsk>): boolean {
  if (!isExplicit(wished)) return false
  if (asked.ask === 'out')
    return wished.wish !== 'none' && !(wished.by.place === 'namespace' && asked.by.place === 'pod')
  if (wished.wish === 'none') return !(wished.by.place === 'pod' && asked.by.place !== 'pod')
  return wished.wish !== 'auto' && familyOf(wished.wish) !== asked.ask
}

function follow(facts: Facts, verdict: InjectorVerdict, wished: Wished, asked: LabelsAsk): Aim {
  if (wished.wish === 'none') return leave(facts, wished.by, { code: 'wish_none', args: { place: wished.by.text } })
  if (asked?.ask === 'out') return leave(facts, asked.by, asked.reason)
  const aim = candidates(facts, wished, asked?.ask, asked?.by)
  const sidecars = aim.modes.some((mode) => familyOf(mode) === 'sidecar')
  // a wish on the pod is as near as Istio's own label on it, which beats the injector's selectors and its policy
  if (sidecars && !verdict.injects && wished.by.place !== 'pod' && verdict.reason.code !== 'policy_invalid')
    return { is: 'left', reason: verdict.reason, warnings: [] }
  if (sidecars && !verdict.injects && verdict.reason.code === 'policy_invalid' && !isExplicit(wished))
    return { is: 'left', reason: verdict.reason, warnings: [] }
  return aim
}

/** Leaves the pod out of the mesh, where whoever says so may: opting a pod out is subject to the policy's `optOut`. */
function leave({ policy, namespace }: Facts, by: Source, reason: Reason): Aim {
  const { permission, rule } = permitted(policy, 'optOut', namespace)
  if (by.place === 'pod' && permission === 'deny')
    return { is: 'refused', reason: { code: 'opt_out_denied', args: { label: by.text, rule } }, warnings: [] }
  return { is: 'left', reason, warnings: [] }
}

type Try = Extract<Aim, { is: 'try' }>

function candidates(facts: Facts, { wish, by }: Wished, family: Family | undefined, label: Source | undefined): Try {
  if (wish !== 'auto' && wish !== 'none' && (family === undefined || family === familyOf(wish))) {
    const notTried = (): Reason => ({ code: 'wish_otherwise', args: { place: by.text, wish } })
    return { is: 'try', modes: [wish], crossing: [], wished: by, notTried, warnings: [] }
  }
  const chosen: FamilyChoice =
    family === undefined || label === undefined
      ? bareFamily(facts)
      : { family, others: { code: 'family_by_labels', args: { family, label: label.text } }, mayCross: true }
  const crosses = facts.policy.crossFamily && chosen.mayCross
  return {
    is: 'try',
    modes: MODES_OF[chosen.family],
    crossing: crosses ? MODES_OF[chosen.family === 'ambient' ? 'sidecar' : 'ambient'] : [],
    wished: undefined,
    notTried: () => chosen.others,
    warnings: [],
  }
}

interface FamilyChoice {
  readonly family: Family
  /** why the modes of the other family are not tried */
  readonly others: Reason
  /** can the pod join by the other family at all? */
  readonly mayCross: boolean
}

/** The family of a pod for which nobody names one. */
function bareFamily({ pod, namespace, policy, coverage: { installed } }: Facts): FamilyChoice {
  const need = sidecarNeed(pod)
  if (need !== undefined)
    return { family: 'sidecar', others: { code: 'family_by_need', args: { need } }, mayCross: false }
  const refusal = ambientRefusal({ pod, namespace })
  if (refusal !== undefined)
    return { family: 'sidecar', others: { code: 'ambient_opt_out', args: { label: refusal.text } }, mayCross: false }
  const exists = (family: Family): boolean => family === 'sidecar' || (installed.agent && installed.ztunnel)
  const family = policy.families.find(exists) ?? policy.families[0] ?? 'sidecar'
  const skippedAmbient = family === 'sidecar' && policy.families.includes('ambient') && !exists('ambient')
  if (!skippedAmbient) return { family, others: { code: 'family_by_policy', args: { family } }, mayCross: true }
  return { family, others: { code: installed.agent ? 'ztunnel_absent' : 'agent_absent', args: {} }, mayCross: true }
}
