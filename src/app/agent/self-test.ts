import { BARE_SIDECAR, type Intent, type SidecarIntent } from '../../core/intent/intent.ts'
import type { Verdict } from '../../core/redirection/evidence.ts'
import { type Reason, sentence } from '../../core/vocabulary/reasons.ts'
import { libc } from '../../edge/host/libc.ts'
import type { Place } from '../../edge/host/netns-jobs.ts'
import type { NetnsWorker } from '../../edge/host/netns-worker.ts'
import type { ScratchNetwork } from '../../edge/host/scratch-network.ts'
import { messageOf } from '../../edge/message-of.ts'
import type { Unfit } from './backend-choice.ts'
import { sidecarTarget } from './verify/intent-target.ts'
import { measure } from './verify/verify.ts'

export interface TrialOptions {
  /** makes the node and the pod, and sends the traffic */
  readonly worker: Pick<NetnsWorker, 'run'>
  /** makes rules by the backend that is tried; null: they are there */
  readonly redirect: (place: Place, intent: Intent) => Promise<Reason | null>
}

/** What a pod is usually promised. */
const USUAL: SidecarIntent = { ...BARE_SIDECAR, inboundPorts: '*', outboundCidrs: '*', dns: 'all' }

/** Networks for documentation (RFC 5737, 3849), not those that probes are sent to. */
const NETWORKS: readonly ScratchNetwork[] = [
  { node: '198.51.100.249', pod: '198.51.100.250', prefix: 30 },
  { node: '2001:db8:7128::1', pod: '2001:db8:7128::2', prefix: 126 },
]

/** The first packet of a network that was made a moment ago may be lost. */
const TRIES = 3

/**
 * Tries whether traffic follows rules: makes a pod on a node of its own, redirects it as any other, and sends what the sweep sends.
 * Null: it does. Nothing that is there is touched and nothing stays, even where the process is killed in the middle.
 */
export async function tryTraffic({ worker, redirect }: TrialOptions): Promise<Unfit | null> {
  using ends = new DisposableStack()
  try {
    const made = await worker.run('scratchNode', { fd: -1, foreignUsers: false }, { networks: NETWORKS })
    const [node, pod] = [made.node, made.pod].map((fd): Place => {
      ends.defer(() => void libc().close(fd))
      return { fd, foreignUsers: false }
    })
    if (node === undefined || pod === undefined) throw new TypeError('a scratch node has two ends')
    const refusal = await redirect(pod, USUAL)
    if (refusal !== null) return { is: 'absent', why: sentence(refusal) }
    const target = sidecarTarget(USUAL, 'all')
    const options = { worker, target, proxyExpected: false, outside: node, proc: '/proc', missingRules: null }
    let verdict = await measure(pod, options)
    for (let tries = 1; verdict.is !== 'redirected' && tries < TRIES; tries++) verdict = await measure(pod, options)
    return unfitness(verdict)
  } catch (error) {
    return { is: 'unproven', why: messageOf(error) }
  }
}

function unfitness({ is, measured, also }: Verdict): Unfit | null {
  if (is === 'redirected') return null
  const against = [...measured.filter(({ holds }) => holds !== true).map(({ reason }) => reason), ...also]
  return { is: is === 'unknown' ? 'unproven' : 'bypassed', why: against.map(sentence).join(', ') }
}
