import { admissible } from './admissible.ts'
import { uncovered } from './covered.ts'
import { injectorShuts } from './injector-shuts.ts'
import type { Case, Verdict } from './verdict.ts'
import { verdict } from './verdict.ts'

/**
 * The node agent redirects. Where no node fits yet it counts as possible, since a node without an agent refuses the pod
 * visibly. A pod that asks for TPROXY or rule tracing holds NET_ADMIN in this mode, too.
 */
export function cni(one: Case): Verdict {
  const { coverage } = one.facts
  if (!coverage.installed.agent) return verdict([{ code: 'agent_absent', args: {} }])
  const against = [...uncovered('cni', coverage.cni), ...injectorShuts(one)]
  return against.length > 0 ? verdict(against) : admissible('cni', one)
}
