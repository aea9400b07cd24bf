import { annotationsOf, specOf } from '../json/pod.ts'
import { objectOr, stringOr } from '../json/value.ts'
import type { Mode } from '../vocabulary/modes.ts'
import { familyOf, MODES } from '../vocabulary/modes.ts'
import { KUBERNETES_NAMES } from '../vocabulary/names.ts'
import type { Reason } from '../vocabulary/reasons.ts'
import type { Aim } from './aim.ts'
import { aimOf } from './aim.ts'
import type { Decision, Rehearse, Rejected } from './decision.ts'
import type { InjectorVerdict } from './eligibility.ts'
import { injectorVerdict } from './eligibility.ts'
import type { Facts } from './facts.ts'
import { ASSESS } from './modes/assess.ts'
import type { Case } from './modes/verdict.ts'
import { sidecarNeed } from './sidecar-needs.ts'
import { shown } from './source.ts'

/**
 * Chooses how one pod joins the mesh, or says why it does not (design: "The decision"). `facts.pod` is the pod before any
 * injection; `rehearse` is asked at most once for each mode, and only where nothing cheaper ruled the mode out. A pure
 * function: never throws but on a bug.
 */
export function decide(facts: Facts, rehearse: Rehearse): Decision {
  const injector = injectorVerdict(facts)
  const outside = outsideReach(facts, injector)
  if (outside !== undefined) return { is: 'left', reason: outside, rejected: [], warnings: [] }
  const aim = aimOf(facts, injector)
  const decision = aim.is === 'try' ? attempt(facts, aim, { facts, injector, rehearse }) : { ...aim, rejected: [] }
  const sidecar = decision.is === 'meshed' && familyOf(decision.mode) === 'sidecar'
  return sidecar ? { ...decision, warnings: [...injector.warnings, ...decision.warnings] } : decision
}

/** What no mode can mesh, whatever anybody asks for. */
function outsideReach({ pod }: Facts, injector: InjectorVerdict): Reason | undefined {
  if (!injector.injects && (injector.reason.code === 'host_network' || injector.reason.code === 'ignored_namespace'))
    return injector.reason
  const os = stringOr(objectOr(specOf(pod)['os'])['name'])
  if (os !== undefined && os !== 'linux') return { code: 'os_unsupported', args: { os: shown(os) } }
  if (annotationsOf(pod)[KUBERNETES_NAMES.mirrorPod] !== undefined) return { code: 'mirror_pod', args: {} }
  return undefined
}

function attempt(facts: Facts, aim: Extract<Aim, { is: 'try' }>, one: Case): Decision {
  const tried = new Map<Mode, readonly Reason[]>()
  for (const mode of [...aim.modes, ...aim.crossing]) {
    const verdict = ASSESS[mode](one)
    if (verdict.is === 'uninjectable')
      return { is: 'refused', reason: verdict.reason, rejected: rejectedOf(MODES, tried, aim), warnings: aim.warnings }
    if (verdict.is === 'open') return meshed(facts, aim, mode, tried)
    tried.set(mode, verdict.reasons)
  }
  const rejected = rejectedOf(MODES, tried, aim)
  const { warnings, wished, modes } = aim
  if (wished !== undefined) {
    const reason: Reason = { code: 'wish_impossible', args: { place: wished.text, mode: modes.join(', ') } }
    return { is: 'refused', reason, rejected, warnings }
  }
  if (facts.policy.onImpossible === 'admit')
    return { is: 'unmeshed', reason: { code: 'admitted_unmeshed', args: {} }, rejected, warnings }
  return { is: 'refused', reason: { code: 'no_mode_possible', args: {} }, rejected, warnings }
}

const CHOSEN: Readonly<Record<Mode, Reason>> = {
  ambient: { code: 'ambient_first', args: {} },
  cni: { code: 'cni_first', args: {} },
  init: { code: 'init_last_resort', args: {} },
}

function meshed(
  { pod }: Facts,
  aim: Extract<Aim, { is: 'try' }>,
  mode: Mode,
  tried: ReadonlyMap<Mode, readonly Reason[]>,
): Decision {
  const { wished } = aim
  const reason: Reason =
    wished === undefined ? CHOSEN[mode] : { code: 'wish_granted', args: { place: wished.text, mode } }
  const lessPrivilege = MODES.slice(0, MODES.indexOf(mode))
  const relevant = MODES.filter((other) => lessPrivilege.includes(other) || tried.has(other))
  const warnings: Reason[] = [...aim.warnings]
  const [first] = aim.modes
  if (!aim.modes.includes(mode) && first !== undefined)
    warnings.push({ code: 'family_crossed', args: { from: `the ${familyOf(first)} family`, to: mode } })
  const need = mode === 'ambient' ? sidecarNeed(pod) : undefined
  if (need !== undefined) warnings.push({ code: 'sidecar_settings_unused', args: { need } })
  return { is: 'meshed', mode, reason, rejected: rejectedOf(relevant, tried, aim), warnings }
}

function rejectedOf(
  modes: readonly Mode[],
  tried: ReadonlyMap<Mode, readonly Reason[]>,
  aim: Extract<Aim, { is: 'try' }>,
): readonly Rejected[] {
  return modes.flatMap((mode) => {
    const reasons =
      tried.get(mode) ?? (aim.modes.includes(mode) || aim.crossing.includes(mode) ? [] : [aim.notTried(mode)])
    return reasons.map((reason) => ({ mode, reason }))
  })
}
