import type { AmbientNode } from '../../../core/redirection/ambient.ts'
import { sentence } from '../../../core/vocabulary/reasons.ts'
import type { NetnsHandle } from '../../../edge/host/namespaces.ts'
import type { NetnsWorker } from '../../../edge/host/netns-worker.ts'
import { hasOwner } from '../../../edge/host/socket-file.ts'
import type { Logger } from '../../../edge/telemetry/logger.ts'
import type { Journal } from '../journal.ts'
import { type Loop, periodic, reportTurn } from '../loop.ts'
import type { NodePods } from '../node-pods.ts'
import { claimsAmbient } from './pod-facts.ts'
import { ProbePath } from './probe-path.ts'

export interface LeftoversOptions {
  readonly pods: Pick<NodePods, 'synced' | 'all'>
  readonly journal: Pick<Journal, 'all'>
  readonly worker: NetnsWorker
  /** the network namespace of the kubelet */
  readonly host: NetnsHandle
  readonly proc: string
  readonly node: AmbientNode
  readonly ztunnelSocket: string
  readonly log: Pick<Logger, 'warn' | 'error'>
}

const EVERY_MS = 30_000

/** For an agent that does no ambient: takes away what one that did left in the host's namespace, once nobody needs it. */
export function ambientLeftovers(options: LeftoversOptions): Loop {
  const { log } = options
  let isDone = false
  return periodic({
    name: 'ambient-leftovers',
    everyMs: EVERY_MS,
    turn: async () => {
      isDone ||= await clearLeftovers(options)
    },
    report: reportTurn(log, 'ambient-leftovers'),
  })
}

/**
 * Takes the way of the kubelet's probes away, and the ip rules with Sluice's mark; true: none is left. It stays while a pod of the node
 * is in ambient, whose probes would fail, and while another agent owns ztunnel's socket: Istio's has its sets under the same names.
 */
export async function clearLeftovers(options: LeftoversOptions): Promise<boolean> {
  const { pods, journal, worker, ztunnelSocket, log } = options
  const isNeeded =
    !pods.synced ||
    pods.all().some(claimsAmbient) ||
    journal.all().some(({ mode }) => mode === 'ambient') ||
    hasOwner(ztunnelSocket)
  if (isNeeded) return false
  const backend = worker.libnftables === 'loaded' ? 'libnftables' : 'nft'
  const problem = await new ProbePath({ ...options, backend, branchEni: false }).remove()
  if (problem !== null) log.warn({ reason: problem.code }, `what ambient left on this node stays: ${sentence(problem)}`)
  return problem === null
}
