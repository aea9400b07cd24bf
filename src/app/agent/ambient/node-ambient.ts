import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import type { AmbientRules } from '../../../core/intent/ambient-standing.ts'
import { hasEnded } from '../../../core/json/pod.ts'
import type { AmbientNode } from '../../../core/redirection/ambient.ts'
import { type Reason, remedy, sentence } from '../../../core/vocabulary/reasons.ts'
import type { ClusterClient } from '../../../edge/cluster/client.ts'
import type { NetnsHandle } from '../../../edge/host/namespaces.ts'
import { SystemError } from '../../../edge/host/libc.ts'
import type { NetnsWorker } from '../../../edge/host/netns-worker.ts'
import type { Logger } from '../../../edge/telemetry/logger.ts'
import type { AmbientEnrolment } from '../cni/ambient-enrolment.ts'
import { PodQueue } from '../cni/pod-queue.ts'
import type { Journal } from '../journal.ts'
import { type Loop, periodic } from '../loop.ts'
import type { NetnsFinder } from '../netns-finder.ts'
import type { NodePods } from '../node-pods.ts'
import type { AgentMetrics } from '../record.ts'
import type { Redirector } from '../redirector.ts'
import type { Proofs } from '../verify/proofs.ts'
import { Ambient, type AmbientNews } from './ambient.ts'
import { Enrolment } from './enrolment.ts'
import { LateZtunnels } from './late-ztunnels.ts'
import { Marks } from './marks.ts'
import { ownCondition, type OwnConditionOptions } from './own-condition.ts'
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
  /** makes rules */
  readonly worker: NetnsWorker
  /** measures */
  readonly prober: NetnsWorker
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
/** How often the rules and the sets of the host are looked at, which nobody should change. */
const HOST_MS = 30_000
/** How often the probe path is tried again that did not let a probe through. */
const TRIAL_MS = 60_000
/** Pods beside each other, and behind them. */
const AT_ONCE = { running: 16, waiting: 1024 }

/** What is true of the node now. */
interface State {
  /** why no pod may be brought in */
  trouble: Reason | null
  /** why nothing will ever come right in this process */
  lost: Reason | null
  /** what the last trial of the probe path showed */
  blocked: Reason | null
  warnings: readonly Reason[]
  triedAt: number
  listens: boolean
  connected: number
  hostAt: number
}

/** Wires what ambient consists of. Nothing is listened to before it is known which pods there are. */
export function nodeAmbient(options: NodeAmbientOptions): NodeAmbient {
  const { pods, redirector, proofs, worker, node, client, metrics, log } = options
  const state: State = {
    trouble: { code: 'ambient_starting', args: {} },
    lost: null,
    warnings: [],
    listens: false,
    connected: 0,
    hostAt: -Infinity,
    triedAt: -Infinity,
    blocked: null,
  }
  const ztunnels = new LateZtunnels()
  // whatever makes the rules inside pods: the host's are nft's
  const backend = worker.libnftables === 'loaded' ? 'libnftables' : 'nft'
  const probePath = new ProbePath({ ...options, backend })
  const queue = new PodQueue(AT_ONCE)
  const enrolment = new Enrolment({ ...options, ztunnels, probePath, dnsCapture: node.dnsCapture })
  const marks = client === null ? null : new Marks({ client, report: reportMark(options) })
  const unable = (): Reason | null => state.lost ?? state.trouble
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
  proofs.onRecord(({ uid, mode, verdict }) => {
    if (mode === 'ambient') ambient.judged(uid, verdict)
  })
  const stop = new AbortController()
  pods.onChange((pod, change) => {
    if (!state.listens) return
    if (change === 'put') ambient.consider(pod, stop.signal)
    else {
      marks?.forget(pod.uid)
      ambient.gone(pod, stop.signal)
    }
  })

  const onEvent = (event: ZtunnelEvent): void => {
    if (event.is === 'connected') state.connected++
    if (event.is === 'closed') state.connected--
    // what was measured through another ztunnel says nothing of this one
    if (event.is === 'synced') ambient.doubt()
    if (event.is === 'ended') lose(event.reason)
    recordEvent(options, event)
  }
  /** ztunnel's socket, which leads here when this gives null. Asked again and again: somebody may have removed its file. */
  const listen = async (): Promise<Reason | null> => {
    const { ztunnelSocket: socket } = options
    try {
      mkdirSync(dirname(socket), { recursive: true, mode: 0o755 })
      if (!state.listens) ztunnels.open({ socket, onEvent }, ambient.known())
      else if (await ztunnels.renew()) recordRenewal(options)
      state.listens = true
      return null
    } catch (error) {
      if (error instanceof SystemError && error.code === 'EADDRINUSE')
        return { code: 'ztunnel_socket_owned', args: { socket } }
      const why = error instanceof Error ? error.message : String(error)
      return { code: 'ztunnel_socket_unusable', args: { error: why } }
    }
  }
  /** `alone`: no other agent puts pods into the same sets. */
  const settle = async (alone: boolean): Promise<Reason | null> => {
    const { want, complete } = ambient.members()
    return await probePath.reconcile(want, complete && alone)
  }
  /** Once it came through it is believed; what did not is tried again. */
  const tried = async (now: number): Promise<Reason | null> => {
    const isDue = state.triedAt === -Infinity || (state.blocked !== null && now - state.triedAt > TRIAL_MS)
    if (!isDue) return state.blocked
    const { problem, warnings } = await preflight({ ...options, worker: options.prober, probePath, ...node })
    Object.assign(state, { blocked: problem, warnings, triedAt: now })
    for (const warning of warnings) log.warn({ reason: warning.code, fix: remedy(warning) }, sentence(warning))
    return problem
  }
  const turn = async (signal: AbortSignal): Promise<void> => {
    if (!pods.synced || state.lost !== null) return
    const now = performance.now()
    const socket = await listen()
    if (socket !== null || state.trouble !== null || now - state.hostAt > HOST_MS) {
      // also beside another agent that owns the socket: when it goes, the way of probes is there already
      const host = (await probePath.ensure()) ?? (await settle(socket === null)) ?? (await tried(now))
      state.trouble = socket ?? host
      state.hostAt = now
    }
    if (state.listens) ambient.turn(signal)
  }
  const ability = (): ReturnType<OwnConditionOptions['ability']> => ({
    reason: unable() ?? { code: state.connected > 0 ? 'ambient_ready' : 'ztunnel_not_connected', args: {} },
    warnings: state.warnings,
  })
  const own =
    client === null || options.self === null
      ? null
      : ownCondition({ pods, client, ability, self: options.self, report: reportOwn(options) })
  const lose = (reason: Reason): void => {
    Object.assign(state, { lost: reason, connected: 0 })
    const telling = own === null ? Promise.resolve() : own.tell().catch(reportOwn(options))
    void telling.then(() => options.onLost(reason))
  }
  return {
    enrolment: new SandboxEnrolment({ ambient, enrolment, redirector, worker, pods, queue, unable }),
    loops: [
      periodic({
        ...{ name: 'ambient', everyMs: TURN_MS, turn },
        report: (err) => log.error({ err, loop: 'ambient' }, 'a turn failed; the next one comes in its time'),
      }),
      ...(own === null ? [] : [own.loop]),
    ],
    alarms: () => [
      ...[unable()].filter((reason) => reason !== null && reason.code !== 'ambient_starting'),
      ...ambient.alarms(),
    ],
    setGauges: () => {
      metrics.set('ztunnel_connected', {}, state.connected)
      for (const [name, count] of Object.entries(ambient.counts()))
        metrics.set('sluice_ambient_pods', { state: name }, count)
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await ztunnels[Symbol.asyncDispose]()
    },
  }
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
    const problem = error instanceof Error ? error.message : String(error)
    log.warn(`whether this node can do ambient could not be written to the agent's own pod, tried again: ${problem}`)
  }
}

function reportMark({ metrics, log }: NodeAmbientOptions): ConstructorParameters<typeof Marks>[0]['report'] {
  return ({ uid, namespace, name }, error) => {
    metrics.add('sluice_ambient_marks_failed_total', {})
    const problem = error instanceof Error ? error.message : String(error)
    log.warn({ uid, namespace, name }, `the annotation of an ambient pod could not be written, tried again: ${problem}`)
  }
}
