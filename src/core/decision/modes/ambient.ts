import { labelsOf } from '../../json/pod.ts'
import { mayAskForAmbient } from '../../settings/ambient-enablement.ts'
import { admissible } from './admissible.ts'
import { uncovered } from './covered.ts'
import type { Case, Verdict } from './verdict.ts'
import { verdict } from './verdict.ts'

/** Ambient asks for nothing in the pod's spec; it needs agent and ztunnel on the node. */
export function ambient(one: Case): Verdict {
  const { coverage, policy, pod, namespace } = one.facts
  if (!coverage.installed.agent) return verdict([{ code: 'agent_absent', args: {} }])
  if (!coverage.installed.ztunnel) return verdict([{ code: 'ztunnel_absent', args: {} }])
  // unlike cni it does not fail visibly on a node that is not ready for it
  if (coverage.ambient.is === 'no-nodes' && !policy.bornTainted) return verdict([{ code: 'no_node_yet', args: {} }])
  // the agent of the node goes by the same selectors, and would leave it alone
  if (!mayAskForAmbient(policy.ambientEnablement, labelsOf(pod), namespace.labels))
    return verdict([{ code: 'ambient_not_selected', args: {} }])
  const missing = uncovered('ambient', coverage.ambient)
  return missing.length > 0 ? verdict(missing) : admissible('ambient', one)
}
