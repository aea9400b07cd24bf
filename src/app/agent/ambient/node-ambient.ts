import type { AmbientRules } from '../../../core/intent/ambient-standing.ts'
import { hasEnded } from '../../../core/json/pod.ts'
import type { AmbientNode } from '../../../core/redirection/ambient.ts'
import { type Reason, sentence } from '../../../core/vocabulary/reasons.ts'
import type { ClusterClient } from '../../../edge/cluster/client.ts'
import type { NetnsHandle } from '../../../edge/host/namespaces.ts'
import type { NetnsWorker } from '../../../edge/host/netns-worker.ts'
import type { Logger } from '../../../edge/telemetry/logger.ts'
import { messageOf } from '../../../edge/message-of.ts'
import type { AmbientEnrolment } from '../cni/ambient-enrolment.ts'
import { PodQueue } from '../cni/pod-queue.ts'
import type { Journal } from '../journal.ts'
import { type Loop, periodic, reportTurn } from '../loop.ts'
import type { NetnsFinder } from '../netns-finder.ts'
import type { NodePods } from '../node-pods.ts'
import type { AgentMetrics } from '../record.ts'
import type { Redirector } from '../redirector.ts'
import type { Proofs } from '../verify/proofs.ts'
import { Ambient, type AmbientNews } from './ambient.ts'
import { Enrolment } from './enrolment.ts'
import { AmbientHost } from './host.ts'
import { LateZtunnels } from './late-ztunnels.ts'
import { Marks } from './marks.ts'
import { type OwnCondition, ownCondition } from './own-condition.ts'
import { preflight } from './preflight.ts'
import { ProbePath } from './probe-path.ts'
import { SandboxEnrolment } from './sandbox-enrolment.ts'
import type { ZtunnelEvent } from './ztunnels.ts'

export interface NodeAmbientOptions {
  readonly pods: NodePods
  readonly journal: Journal
  readonly finder: NetnsFinder
  readonly redirector: Redirector
  readonly proofs: Proofs
  readonly worker: NetnsWorker
  /** the network namespace of the kubelet */
  readonly host: NetnsHandle
  readonly proc: string
  readonly ztunnelSocket: string
  readonly node: AmbientNode
  readonly branchEni: boolean
  readonly rules: AmbientRules
  /** why every pod is to leave: Sluice is being taken off the node; null: it is not */
  readonly retired: () => Reason | null
  /** the agent's own pod, which says what the node can do; null: it runs in none */
  readonly self: { readonly namespace: string; readonly name: string } | null
  /** null: there is no cluster to tell */
  readonly client: ClusterClient | null
  /** called once, after the API server was told or could not be: ztunnel cannot be served any more, but by another process */
  readonly onLost: (reason: Reason) => void
  readonly metrics: AgentMetrics
  readonly log: Logger
}

/** The part of the agent that does ambient. */
export interface NodeAmbient extends AsyncDisposable {
  readonly enrolment: AmbientEnrolment
  readonly loops: readonly Loop[]
  readonly alarms: () => readonly Reason[]
  readonly setGauges: () => void
}

const TURN_MS = 1_000
/** Pods beside each other, and behind them. */
const AT_ONCE = { running: 16, waiting: 1024 }

/** Wires what ambient consists of. Nothing is listened to before it is known which pods there are. */
export function nodeAmbient(options: NodeAmbientOptions): NodeAmbient {
  const { pods, redirector, proofs, worker, node, client, metrics, log } = options
  const ztunnels = new LateZtunnels()
  // whatever makes the rules inside pods: the host's are nft's
  const backend = worker.libnftables === 'loaded' ? 'libnftables' : 'nft'
  const probePath = new ProbePath({ ...options, backend })
  const queue = new PodQueue(AT_ONCE)
  const enrolment = new Enrolment({ ...options, ztunnels, probePath, dnsCapture: node.dnsCapture })
  const marks = client === null ? null : new Marks({ client, report: reportMark(options) })
  const host = new AmbientHost({
    ...{ ztunnels, probePath, log, ztunnelSocket: options.ztunnelSocket },
    preflight: async () => await preflight({ ...options, probePath, ...node }),
    onEvent: (event) => {
      // what was measured through another ztunnel says nothing of this one
      if (event.is === 'synced') ambient.doubt()
      if (event.is === 'ended') tellAndEnd(options, own, event.reason)
      recordEvent(options, event)
    },
    onRenewed: () => recordRenewal(options),
  })
  const unable = (): Reason | null => host.unable()
  const ambient = new Ambient({
    ...options,
    ...{ enrolment, queue, unable },
    mark: (pod, mark) => marks?.set(pod, mark),
    onNews: (news) => recordNews(options, news),
    onVerdict: (uid, verdict) => {
      const pod = pods.get(uid)
      if (pod !== undefined && !hasEnded(pod.object)) proofs.record(pod, 'ambient', verdict)
    },
  })
  const own =
    client === null || options.self === null
      ? null
      : ownCondition({
          ...{ pods, client, self: options.self, report: reportOwn(options) },
          ability: () => host.ability(),
        })
  const stop = new AbortController()
  proofs.onRecord(({ uid, mode, verdict }) => {
    if (mode === 'ambient') ambient.judged(uid, verdict)
  })
  pods.onChange((pod, change) => {
    if (!host.listens) return
    if (change === 'put') ambient.consider(pod, stop.signal)
    else {
      marks?.forget(pod.uid)
      ambient.gone(pod, stop.signal)
    }
  })
  const turn = async (signal: AbortSignal): Promise<void> => {
    if (!pods.synced) return
    await host.look(ambient)
    if (host.listens) ambient.turn(signal)
  }
  return {
    enrolment: new SandboxEnrolment({ ambient, enrolment, redirector, worker, pods, queue, unable }),
    loops: [
      periodic({ name: 'ambient', everyMs: TURN_MS, turn, report: reportTurn(log, 'ambient') }),
      ...(own === null ? [] : [own.loop]),
    ],
    alarms: () => [
      ...[unable()].filter((reason) => reason !== null && reason.code !== 'ambient_starting'),
      ...ambient.alarms(),
    ],
    setGauges: () => {
      metrics.set('ztunnel_connected', {}, host.connected)
      for (const [name, count] of Object.entries(ambient.counts()))
        metrics.set('sluice_ambient_pods', { state: name }, count)
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await ztunnels[Symbol.asyncDispose]()
    },
  }
}

/** ztunnel cannot be served any more: the API server is told, or could not be, and then the agent ends. */
function tellAndEnd(options: NodeAmbientOptions, own: OwnCondition | null, reason: Reason): void {
  const told = own === null ? Promise.resolve() : own.tell().catch(reportOwn(options))
  void told.then(() => options.onLost(reason))
}

function recordNews({ metrics, log }: NodeAmbientOptions, { work, pod, problem }: AmbientNews): void {
  metrics.add('sluice_ambient_work_total', { work, result: problem?.code ?? 'ok' })
  const { uid, namespace, name } = pod
  const fields = { uid, namespace, name, work, reason: problem?.code ?? null }
  if (problem === null) log.info(fields, 'done for an ambient pod')
  else log.warn(fields, `not done for an ambient pod, and tried again: ${sentence(problem)}`)
}

function recordRenewal({ metrics, log, ztunnelSocket }: NodeAmbientOptions): void {
  metrics.add('sluice_sockets_renewed_total', { socket: 'ztunnel' })
  log.warn({ ztunnelSocket }, "the file of ztunnel's socket was removed or replaced, and leads here again")
}

function recordEvent({ metrics, log }: NodeAmbientOptions, event: ZtunnelEvent): void {
  const reason = 'reason' in event ? event.reason : null
  metrics.add('sluice_ztunnel_events_total', { event: event.is, reason: reason?.code ?? 'none' })
  const level = reason === null || reason.code === 'ztunnel_left' ? 'info' : 'warn'
  log[level]({ ...event, reason: reason?.code ?? null }, reason === null ? `ztunnel: ${event.is}` : sentence(reason))
}

function reportOwn({ log }: NodeAmbientOptions): (error: unknown) => void {
  return (error) => {
    const problem = messageOf(error)
    log.warn(`whether this node can do ambient could not be written to the agent's own pod, tried again: ${problem}`)
  }
}

function reportMark({ metrics, log }: NodeAmbientOptions): ConstructorParameters<typeof Marks>[0]['report'] {
  return ({ uid, namespace, name }, error) => {
    metrics.add('sluice_ambient_marks_failed_total', {})
    const problem = messageOf(error)
    log.warn({ uid, namespace, name }, `the annotation of an ambient pod could not be written, tried again: ${problem}`)
  }
}
