import type { Reason } from '../../core/vocabulary/reasons.ts'
import { CONNECTIONS } from './cni/server.ts'

/** What an agent has open beside a request and an ambient pod each: watches, listeners, threads, and the namespaces of what it works on. */
const OWN = 256
/** As many as a kubelet takes that was told nothing else: too few is told when the agent starts, not when the pods have come. */
const USUAL_PODS = 110

/** What an agent works with. */
export interface Holdings {
  /** how many descriptors it may open */
  readonly limit: number
  /** how many pods its node has now */
  readonly pods: number
  /** is the namespace of each kept open for ztunnel? */
  readonly ambient: boolean
}

/** The alarm where the node's pods, all of them started at once as after a reboot, take more descriptors than this process may open. */
export function descriptorAlarms({ limit, pods, ambient }: Holdings): readonly Reason[] {
  const most = Math.max(pods, USUAL_PODS)
  const needed = OWN + Math.min(most, CONNECTIONS) + (ambient ? most : 0)
  return needed > limit ? [{ code: 'descriptors_few', args: { limit, needed, pods: most } }] : []
}
