import type { JsonObject } from '../../json/value.ts'
import type { PodSecurityLevel } from '../../vocabulary/pod-security-levels.ts'
import { BASELINE_CHECKS } from './baseline-checks.ts'
import type { Check } from './check.ts'
import { RESTRICTED_CHECKS } from './restricted-checks.ts'

/** One thing in a pod that a level forbids. */
export interface Violation {
  /** the check's id in Kubernetes, e.g. `capabilities_baseline` */
  readonly check: string
  /** `pod`, `container NAME` or `volume NAME` */
  readonly subject: string
  readonly detail: string
}

const replacedByRestricted = new Set(RESTRICTED_CHECKS.map(({ replaces }) => replaces))

const CHECKS_OF: Readonly<Record<PodSecurityLevel, readonly Check[]>> = {
  privileged: [],
  baseline: BASELINE_CHECKS,
  restricted: [...BASELINE_CHECKS.filter(({ id }) => !replacedByRestricted.has(id)), ...RESTRICTED_CHECKS],
}

/**
 * What `level` of the Pod Security Standards forbids in `pod`, as Kubernetes ≥ 1.30 judges a Linux pod. Where versions
 * differ, the strictest counts: what passes here, each of them admits.
 */
export function violations(pod: JsonObject, level: PodSecurityLevel): readonly Violation[] {
  return CHECKS_OF[level].flatMap(({ id, find }) => find(pod).map((finding) => ({ check: id, ...finding })))
}

/** What `level` forbids in `after` but not yet in `before`: what was added in between. */
export function violationsAdded(before: JsonObject, after: JsonObject, level: PodSecurityLevel): readonly Violation[] {
  const known = new Set(violations(before, level).map(keyOf))
  return violations(after, level).filter((violation) => !known.has(keyOf(violation)))
}

function keyOf({ check, subject }: Violation): string {
  return `${check} ${subject}`
}
