import type { Verdict, Case } from './verdict.ts'
import { verdict } from './verdict.ts'
import { uncovered } from './covered.ts'

/** Ambient adds nothing to the pod, so it is always allowed; it needs agent and ztunnel on the node. */
export function ambient({ facts: { coverage, policy } }: Case): Verdict {
  if (!coverage.installed.agent) return verdict([{ code: 'agent_absent', args: {} }])
  if (!coverage.installed.ztunnel) return verdict([{ code: 'ztunnel_absent', args: {} }])
  // unlike cni it does not fail visibly on a node that is not ready for it
  if (coverage.ambient.is === 'no-nodes') return verdict(policy.bornTainted ? [] : [{ code: 'no_node_yet', args: {} }])
  return verdict(uncovered('ambient', coverage.ambient))
}
