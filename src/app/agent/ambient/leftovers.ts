import { hasEnded } from '../../../core/json/pod.ts'
import type { AmbientNode } from '../../../core/redirection/ambient.ts'
import { type Reason, sentence } from '../../../core/vocabulary/reasons.ts'
import type { NetnsHandle } from '../../../edge/host/namespaces.ts'
import type { NetnsWorker } from '../../../edge/host/netns-worker.ts'
import { hasOwner } from '../../../edge/host/socket-file.ts'
import type { Logger } from '../../../edge/telemetry/logger.ts'
import type { Journal } from '../journal.ts'
import { type Loop, periodic, reportTurn } from '../loop.ts'
import type { NodePod, NodePods } from '../node-pods.ts'
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

/** What an agent that does no ambient does about one that did. */
export interface AmbientLeftovers {
  readonly loop: Loop
  readonly alarms: () => readonly Reason[]
}

/**
 * For an agent that does no ambient: takes away what one that did left in the host's namespace, once nobody needs it, and tells of
 * pods that are in ambient still. They are not taken out: another agent may be about to serve them, as on the way back to istio-cni,
 * and past ztunnel their traffic would be plain text, which nobody asks for by a flag of the node.
 */
export function ambientLeftovers(options: LeftoversOptions): AmbientLeftovers {
  const { log } = options
  let isDone = false
  let stranded: Reason | null = null
  const loop = periodic({
    name: 'ambient-leftovers',
    everyMs: EVERY_MS,
    turn: async () => {
      stranded = strandedPods(options)
      isDone ||= await clearLeftovers(options)
    },
    report: reportTurn(log, 'ambient-leftovers'),
  })
  return { loop, alarms: () => (stranded === null ? [] : [stranded]) }
}

/** That pods are in ambient for which no agent of the node speaks to ztunnel; null: there are none, or another agent does. */
function strandedPods({ pods, journal, ztunnelSocket }: LeftoversOptions): Reason | null {
  const remembered = new Set(journal.all().flatMap(({ uid, mode }) => (mode === 'ambient' ? [uid] : [])))
  const names = pods
    .all()
    .filter((pod) => isIn(pod) || (remembered.has(pod.uid) && !hasEnded(pod.object)))
    .map(({ namespace, name }) => `${namespace}/${name}`)
    .toSorted()
  const [first] = names
  if (first === undefined || hasOwner(ztunnelSocket)) return null
  return { code: 'ambient_stranded', args: { pods: names.length, first } }
}

function isIn(pod: NodePod): boolean {
  return claimsAmbient(pod) && !hasEnded(pod.object)
}

/**
 * Takes the way of the kubelet's probes away, and the ip rules with Sluice's mark; true: none is left. It stays while a pod of the node
 * is in ambient, whose probes would fail, and while another agent owns ztunnel's socket: Istio's has its sets under the same names.
 */
export async function clearLeftovers(options: LeftoversOptions): Promise<boolean> {
  const { pods, journal, worker, ztunnelSocket, log } = options
  const isNeeded =
    !pods.synced ||
    pods.all().some(isIn) ||
    journal.all().some(({ mode }) => mode === 'ambient') ||
    hasOwner(ztunnelSocket)
  if (isNeeded) return false
  const backend = worker.libnftables === 'loaded' ? 'libnftables' : 'nft'
  const problem = await new ProbePath({ ...options, backend, branchEni: false }).remove()
  if (problem !== null) log.warn({ reason: problem.code }, `what ambient left on this node stays: ${sentence(problem)}`)
  return problem === null
}
