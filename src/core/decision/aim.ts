import type { Family, Mode } from '../vocabulary/modes.ts'
import { familyOf, MODES_OF } from '../vocabulary/modes.ts'
import type { Reason } from '../vocabulary/reasons.ts'
import { verdictSource, type InjectorVerdict } from './eligibility.ts'
import type { Facts } from './facts.ts'
import { labelsOf } from '../json/pod.ts'
import { mayAskForAmbient } from '../settings/ambient-enablement.ts'
import type { LabelsAsk } from './labels-ask.ts'
import { ambientRefusal, labelsAsk } from './labels-ask.ts'
import { permitted } from './permission.ts'
import { sidecarNeed } from './sidecar-needs.ts'
import type { Source } from './source.ts'
import type { Wished } from './wish.ts'
import { wishOf } from './wish.ts'

/** What is to be tried for a pod, before anybody asks whether it is allowed and possible. */
export type Aim =
  | {
      readonly is: 'left' | 'refused'
      readonly reason: Reason
      readonly by: Source
      readonly warnings: readonly Reason[]
    }
  | {
      readonly is: 'try'
      /** in this order: the first that is allowed and possible is taken */
      readonly modes: readonly Mode[]
      /** tried after them: the other family's, where the policy says `crossFamily` */
      readonly crossing: readonly Mode[]
      /** where one mode was named: it is granted or refused, never replaced */
      readonly named: boolean
      /** who asked for the modes */
      readonly by: Source
      /** why a mode that is not in `modes` is not tried, or only after them */
      readonly notTried: Reason
      readonly warnings: readonly Reason[]
    }
type Try = Extract<Aim, { is: 'try' }>

/**
 * Brings wish, Istio's labels and policy together (design: "The decision", 1 and 2). An explicit wish that contradicts
 * Istio's labels is warned of in any case; the policy's `contradiction` says which of the two is followed.
 */
export function aimOf(facts: Facts, verdict: InjectorVerdict): Aim {
  const reading = wishOf(facts)
  if (reading.is === 'unknown') return { is: 'refused', reason: reading.reason, by: reading.by, warnings: [] }
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
      : follow(facts, verdict, { wish: 'auto', by: asked.by, explicit: false }, asked)
  return { ...aim, warnings: [clash, ...aim.warnings] }
}

const WINNER_TEXT = { wish: 'the wish wins', labels: "Istio's labels win" } as const

/** An opt-out on the pod against its namespace is no contradiction but what opt-outs are for. */
function contradict(wished: Wished, asked: NonNullable<LabelsAsk>): boolean {
  if (!wished.explicit) return false
  if (asked.ask === 'out')
    return wished.wish !== 'none' && !(wished.by.place === 'namespace' && asked.by.place === 'pod')
  if (wished.wish === 'none') return !(wished.by.place === 'pod' && asked.by.place !== 'pod')
  return wished.wish !== 'auto' && familyOf(wished.wish) !== asked.ask
}

function follow(facts: Facts, verdict: InjectorVerdict, wished: Wished, asked: LabelsAsk): Aim {
  if (wished.wish === 'none') return leave(facts, wished.by, { code: 'wish_none', args: { place: wished.by.text } })
  if (asked?.ask === 'out') return leave(facts, asked.by, asked.reason)
  const aim = candidates(facts, verdict, wished, asked)
  const onlyAmbient = asked?.ask === 'ambient' || wished.wish === 'ambient'
  if (onlyAmbient) return aim
  if (!verdict.injects && !beats(wished, verdict.reason))
    return { is: 'left', reason: verdict.reason, by: verdictSource(verdict.reason), warnings: verdict.warnings }
  return { ...aim, warnings: [...verdict.warnings, ...aim.warnings] }
}

/**
 * Does an explicit wish beat what the injector's configuration says against a sidecar? On a pod it is as near as Istio's
 * own label, which beats selectors and policy; on a namespace it still leaves out the pods that the selectors name. Nothing
 * beats a configuration that cannot be read: then a sidecar is not possible, and the wish is refused.
 */
function beats({ explicit, by }: Wished, against: Reason): boolean {
  return explicit && (against.code !== 'never_selector' || by.place === 'pod')
}

/** Leaves the pod out of the mesh, where whoever says so may: opting a pod out is subject to the policy's `optOut`. */
function leave({ policy, namespace }: Facts, by: Source, reason: Reason): Aim {
  const { permission, rule } = permitted(policy, 'optOut', namespace)
  if (by.place === 'pod' && permission === 'deny')
    return { is: 'refused', reason: { code: 'opt_out_denied', args: { label: by.text, rule } }, by, warnings: [] }
  return { is: 'left', reason, by, warnings: [] }
}

function candidates(facts: Facts, verdict: InjectorVerdict, { wish, by }: Wished, asked: LabelsAsk): Try {
  const family = asked?.ask === 'out' ? undefined : asked?.ask
  if (wish !== 'auto' && wish !== 'none' && (family === undefined || family === familyOf(wish))) {
    const notTried: Reason = { code: 'wish_otherwise', args: { place: by.text, wish } }
    return { is: 'try', modes: [wish], crossing: [], named: true, by, notTried, warnings: [] }
  }
  const chosen: FamilyChoice =
    family === undefined || asked === undefined
      ? bareFamily(facts)
      : { family, by: asked.by, notOther: { code: 'family_by_labels', args: { family, label: asked.by.text } } }
  const other: Family = chosen.family === 'ambient' ? 'sidecar' : 'ambient'
  const crosses = facts.policy.crossFamily && mayJoin(other, facts, verdict)
  return {
    is: 'try',
    modes: MODES_OF[chosen.family],
    crossing: crosses ? MODES_OF[other] : [],
    named: false,
    by: chosen.by,
    notTried: chosen.notOther,
    warnings: [],
  }
}

/** Does nothing on the pod speak against a family that nobody asked for? */
function mayJoin(family: Family, facts: Facts, verdict: InjectorVerdict): boolean {
  if (family === 'sidecar') return verdict.injects
  return sidecarNeed(facts.pod) === undefined && ambientRefusal(facts) === undefined && isSelectable(facts)
}

function isSelectable({ pod, namespace, policy }: Facts): boolean {
  return mayAskForAmbient(policy.ambientEnablement, labelsOf(pod), namespace.labels)
}

interface FamilyChoice {
  readonly family: Family
  readonly by: Source
  /** why the modes of the other family are not tried */
  readonly notOther: Reason
}

/** The family of a pod for which no label names one. */
function bareFamily(facts: Facts): FamilyChoice {
  const { policy, coverage } = facts
  const { installed } = coverage
  const need = sidecarNeed(facts.pod)
  if (need !== undefined)
    return {
      family: 'sidecar',
      by: { place: 'pod', text: `the pod's ${need}` },
      notOther: { code: 'family_by_need', args: { need } },
    }
  const refusal = ambientRefusal(facts)
  if (refusal !== undefined)
    return { family: 'sidecar', by: refusal, notOther: { code: 'ambient_opt_out', args: { label: refusal.text } } }
  if (!isSelectable(facts))
    return {
      family: 'sidecar',
      by: { place: 'policy', text: 'ambientEnablement of the policy' },
      notOther: { code: 'ambient_not_selected', args: {} },
    }

  const exists = (family: Family): boolean => family === 'sidecar' || (installed.agent && installed.ztunnel)
  const family = policy.families.find(exists) ?? policy.families[0] ?? 'sidecar'
  const by: Source = { place: 'policy', text: "the policy's families" }
  const ambientMissing = family === 'sidecar' && policy.families[0] === 'ambient'
  if (!ambientMissing) return { family, by, notOther: { code: 'family_by_policy', args: { family } } }
  return { family, by, notOther: { code: installed.agent ? 'ztunnel_absent' : 'agent_absent', args: {} } }
}
