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
import { injectorVerdict, verdictSource } from './eligibility.ts'
import type { Facts } from './facts.ts'
import { ASSESS } from './modes/assess.ts'
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
  if (outside !== undefined) return { is: 'left', ...outside, rejected: [], warnings: [] }
  const aim = aimOf(facts, injector)
  if (aim.is !== 'try') return { ...aim, rejected: [] }

  const tried = new Map<Mode, readonly Reason[]>()
  for (const mode of [...aim.modes, ...aim.crossing]) {
    const verdict = ASSESS[mode]({ facts, injector, rehearse })
    if (verdict.is === 'open') return meshed(facts, aim, mode, tried)
    if (verdict.is === 'unmakeable')
      return {
        is: 'refused',
        reason: verdict.reason,
        by: aim.by,
        rejected: rejectedOf(MODES, tried, aim),
        warnings: aim.warnings,
      }
    tried.set(mode, verdict.reasons)
  }
  return impossible(facts, aim, rejectedOf(MODES, tried, aim))
}

/** What no mode can mesh, whatever anybody asks for. */
function outsideReach({ pod }: Facts, injector: InjectorVerdict): Pick<Decision, 'reason' | 'by'> | undefined {
  if (!injector.injects && (injector.reason.code === 'host_network' || injector.reason.code === 'ignored_namespace'))
    return { reason: injector.reason, by: verdictSource(injector.reason) }
  const os = stringOr(objectOr(specOf(pod)['os'])['name'])
  if (os !== undefined && os !== 'linux')
    return {
      reason: { code: 'os_unsupported', args: { os: shown(os) } },
      by: { place: 'pod', text: `the pod's spec.os.name=${shown(os)}` },
    }
  const mirror = annotationsOf(pod)[KUBERNETES_NAMES.mirrorPod]
  if (mirror === undefined) return undefined
  return {
    reason: { code: 'mirror_pod', args: {} },
    by: { place: 'pod', text: `the pod's annotation ${KUBERNETES_NAMES.mirrorPod}` },
  }
}

type Try = Extract<Aim, { is: 'try' }>
type Tried = ReadonlyMap<Mode, readonly Reason[]>

const CHOSEN = { ambient: 'ambient_first', cni: 'cni_first', init: 'init_last_resort' } as const

function meshed({ pod }: Facts, aim: Try, mode: Mode, tried: Tried): Decision {
  const reason: Reason = aim.named
    ? { code: 'wish_granted', args: { place: aim.by.text, mode } }
    : { code: CHOSEN[mode], args: { by: aim.by.text } }
  const crossed = aim.modes.filter((other) => familyOf(other) !== familyOf(mode)).slice(0, 1)
  const need = mode === 'ambient' ? sidecarNeed(pod) : undefined
  const warnings: readonly Reason[] = [
    ...aim.warnings,
    ...crossed.map((from): Reason => ({ code: 'family_crossed', args: { from: familyOf(from), to: mode } })),
    ...(need === undefined ? [] : [{ code: 'sidecar_settings_unused', args: { need } } as const]),
  ]
  const lessPrivilege = MODES.slice(0, MODES.indexOf(mode))
  const passedOver = MODES.filter((other) => lessPrivilege.includes(other) || tried.has(other))
  return { is: 'meshed', mode, reason, by: aim.by, rejected: rejectedOf(passedOver, tried, aim), warnings }
}

/** A mode that was named is never replaced, not even by being outside the mesh. */
function impossible({ policy }: Facts, { named, by, modes, warnings }: Try, rejected: readonly Rejected[]): Decision {
  if (named) {
    const reason: Reason = { code: 'wish_impossible', args: { place: by.text, mode: modes.join(', ') } }
    return { is: 'refused', reason, by, rejected, warnings }
  }
  if (policy.onImpossible === 'admit')
    return { is: 'unmeshed', reason: { code: 'admitted_unmeshed', args: {} }, by, rejected, warnings }
  return { is: 'refused', reason: { code: 'no_mode_possible', args: {} }, by, rejected, warnings }
}

function rejectedOf(modes: readonly Mode[], tried: Tried, aim: Try): readonly Rejected[] {
  return modes.flatMap((mode) => {
    const reasons = tried.get(mode) ?? (aim.modes.includes(mode) ? [] : [aim.notTried])
    return reasons.map((reason) => ({ mode, reason }))
  })
}
