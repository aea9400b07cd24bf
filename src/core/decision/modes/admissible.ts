import type { Mode } from '../../vocabulary/modes.ts'
import type { Reason } from '../../vocabulary/reasons.ts'
import type { Facts } from '../facts.ts'
import { netAdminAdded } from '../net-admin.ts'
import { permitted } from '../permission.ts'
import { enforcedLevel } from '../pod-security/level.ts'
import { violationsAdded } from '../pod-security/violations.ts'
import type { Case, Verdict } from './verdict.ts'
import { verdict } from './verdict.ts'
import type { JsonObject } from '../../json/value.ts'

/** Judges the pod as `mode` would make it: Pod Security of what the mode adds, and NET_ADMIN by the policy. */
export function admissible(mode: Mode, { facts, rehearse }: Case): Verdict {
  const rehearsal = rehearse(mode)
  if (rehearsal.is === 'refused') return { is: 'unmakeable', reason: rehearsal.reason }
  return verdict([...podSecurityForbids(mode, facts, rehearsal.pod), ...netAdminForbidden(facts, rehearsal.pod)])
}

function podSecurityForbids(mode: Mode, { pod, namespace, policy }: Facts, made: JsonObject): readonly Reason[] {
  const level = enforcedLevel(pod, namespace, policy)
  const added = violationsAdded(pod, made, level)
  if (added.length === 0) return []
  const subjects = Map.groupBy(added, ({ subject }) => subject)
  const adds = [...subjects]
    .map(([subject, found]) => `${subject} (${found.map(({ detail }) => detail).join(', ')})`)
    .join(', ')
  return [{ code: 'pod_security', args: { mode, level, adds } }]
}

function netAdminForbidden(facts: Facts, made: JsonObject): readonly Reason[] {
  const holders = netAdminAdded(facts.pod, made)
  if (holders.length === 0) return []
  const { policy, namespace, coverage } = facts
  const { permission, rule } = permitted(policy, 'netAdmin', namespace)
  const reasons: Reason[] = []
  if (permission === 'deny') reasons.push({ code: 'net_admin_denied', args: { containers: holders.join(', '), rule } })
  if (coverage.ageSeconds > policy.maxStaleSeconds)
    reasons.push({
      code: 'net_admin_stale',
      args: { ageSeconds: Math.round(coverage.ageSeconds), maxStaleSeconds: policy.maxStaleSeconds },
    })
  return reasons
}
