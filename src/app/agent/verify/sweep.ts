import type { Surroundings } from '../../../core/intent/enrolment.ts'
import { type Promised, promisedTo } from '../../../core/intent/promised.ts'
import type { Verdict } from '../../../core/redirection/evidence.ts'
import { type Cure, cureOf } from '../../../core/repair/cure.ts'
import {
  endedUnredirected,
  failedChecks,
  hasNews,
  hasOwnNetwork,
  type Measured,
  readySidecar,
} from '../../../core/repair/sweepable.ts'
import { hasEnded } from '../../../core/json/pod.ts'
import type { Mode } from '../../../core/vocabulary/modes.ts'
import type { Reason } from '../../../core/vocabulary/reasons.ts'
import type { NetnsHandle } from '../../../edge/host/namespaces.ts'
import type { Place } from '../../../edge/host/netns-jobs.ts'
import type { NetnsWorker } from '../../../edge/host/netns-worker.ts'
import { type Loop, periodic } from '../loop.ts'
import type { Found } from '../netns-finder.ts'
import type { NodePod, NodePods } from '../node-pods.ts'
import type { Redirector } from '../redirector.ts'
import { type RedirectedIntent, verifyPod } from './pod.ts'
import type { Proof, Proofs } from './proofs.ts'

export interface SweepOptions {
  readonly pods: NodePods
  /** did the agent redirect the pod itself? Then its namespace is known before its addresses are */
  readonly isRemembered: (uid: string) => boolean
  /** is the pod being redirected just now? It is measured when that is done */
  readonly isStarting: (uid: string) => boolean
  readonly around: (pod: NodePod) => Surroundings | undefined
  readonly find: (pod: NodePod) => Promise<Found>
  readonly worker: NetnsWorker
  readonly redirector: Redirector
  readonly proofs: Proofs
  readonly ambientDns: boolean
  /** where inbound probes come from; null: the namespace of this process, which on a node is the host's */
  readonly outside: Place | null
  readonly proc: string
  /** the slow round over all pods */
  readonly everyMs: number
  readonly report: SweepReport
}

/** What the sweep tells of itself: metrics and log lines are made from it. */
export interface SweepReport {
  readonly cured: (proof: Proof, cure: Cure, result: 'done' | 'failed' | 'asked') => void
  readonly dropped: () => void
  readonly failed: (error: unknown) => void
}

const TURN_MS = 500
const NEVER: Measured = { sidecar: undefined, failures: 0 }
/** More than a node has pods: what does not fit comes with the next round. */
const QUEUE_LIMIT = 1024

/**
 * Measures every pod of the node that was promised redirection: at once after the agent's start, in a slow round, and each pod
 * soon after it was redirected. What does not hold is made again where it runs, and measured again: only the second
 * measurement may say that it is mended.
 */
export class Sweep {
  readonly loop: Loop
  readonly #options: SweepOptions
  readonly #queue = new Set<string>()
  readonly #attempts = new Map<string, number>()
  readonly #measuredWith = new Map<string, Measured>()
  /** the sidecar that was ready when the pod got its sandbox: the status is of the one before, for as long as it names that */
  readonly #endedWith = new Map<string, string>()
  /** by a clock that nobody sets: one that is set back must not keep the next round away */
  #roundAt = -Infinity

  constructor(options: SweepOptions) {
    this.#options = options
    this.loop = periodic({
      name: 'sweep',
      everyMs: TURN_MS,
      turn: async (signal) => await this.#turn(signal),
      report: options.report.failed,
    })
    options.pods.onChange((pod, change) => {
      if (change === 'removed' || isOver(pod)) this.#forget(pod.uid)
      else if (this.#hasNews(pod)) this.soon(pod.uid)
    })
  }

  /** Measures the pod `uid` with the next turn. */
  soon(uid: string): void {
    if (this.#queue.size >= QUEUE_LIMIT && !this.#queue.has(uid)) this.#options.report.dropped()
    else this.#queue.add(uid)
  }

  /** The pod `uid` has a new sandbox, which was redirected a moment ago: it is measured with the next turn. */
  redirected(uid: string): void {
    const sidecar = readySidecar(this.#options.pods.get(uid)?.object ?? {})
    if (sidecar !== undefined) this.#endedWith.set(uid, sidecar)
    this.soon(uid)
  }

  async #turn(signal: AbortSignal): Promise<void> {
    const { pods, everyMs, isRemembered, isStarting } = this.#options
    if (pods.synced && performance.now() - this.#roundAt >= everyMs) {
      this.#roundAt = performance.now()
      for (const { uid } of pods.all()) if (!isStarting(uid)) this.soon(uid)
    }
    for (const uid of [...this.#queue]) {
      if (signal.aborted) return
      const pod = pods.get(uid)
      // the watch may be behind the runtime
      if (pod === undefined && isRemembered(uid)) continue
      this.#queue.delete(uid)
      if (pod !== undefined) await this.#look(pod)
    }
  }

  /** Is there something to measure that was not there before? */
  #hasNews({ uid, object }: NodePod): boolean {
    const proof = this.#options.proofs.get(uid)
    if (!hasOwnNetwork(object)) return endedUnredirected(object) && proof?.verdict.is !== 'bypassing'
    const before = proof === undefined ? undefined : (this.#measuredWith.get(uid) ?? NEVER)
    return hasNews(object, this.#expected(uid, object), before)
  }

  #expected(uid: string, object: NodePod['object']): string | undefined {
    const sidecar = readySidecar(object)
    return sidecar === this.#endedWith.get(uid) ? undefined : sidecar
  }

  async #look(pod: NodePod): Promise<void> {
    const around = this.#options.around(pod)
    // what is not known of the namespace yet comes with the next round
    if (around === undefined) return
    const promised = promisedTo(pod.object, around)
    if (promised.is === 'nothing') {
      this.#forget(pod.uid)
      return
    }
    if (endedUnredirected(pod.object)) {
      this.#ended(pod, promised.mode)
      return
    }
    if (isOver(pod)) return
    if (!hasOwnNetwork(pod.object) && !this.#options.isRemembered(pod.uid)) return
    if (promised.is === 'unreadable') {
      this.#record(pod, promised.mode, unknown(promised.reason))
      return
    }
    const verdict = await this.#measured(pod, promised)
    // its namespace may have gone while it was measured, of which nobody need be told
    if (this.#isOver(pod)) return
    await this.#mend(pod, promised, this.#record(pod, promised.mode, verdict))
  }

  async #measured(pod: NodePod, { mode, intent }: Promised & { is: 'promised' }): Promise<Verdict> {
    const found = await this.#options.find(pod)
    if (found.is === 'lost') return unknown(found.reason)
    using netns = found.netns
    const { worker, proc, ambientDns, outside } = this.#options
    const sidecar = this.#expected(pod.uid, pod.object)
    this.#measuredWith.set(pod.uid, {
      sidecar: sidecar ?? this.#measuredWith.get(pod.uid)?.sidecar,
      failures: failedChecks(pod.object),
    })
    return await verifyPod(netns, found.path, intent, {
      worker,
      proxyExpected: mode === 'ambient' || sidecar !== undefined,
      outside,
      proc,
      resolvers: null,
      ambientDns,
      missing: await this.#missing(netns, mode, intent),
    })
  }

  /** What an init container made is its own affair: it may have been made by another version, in another way. */
  async #missing(netns: NetnsHandle, mode: Mode, intent: RedirectedIntent) {
    if (mode === 'init') return null
    const compared = await this.#options.redirector.compare(netns, intent)
    return compared.is === 'compared' ? compared.difference.missing : null
  }

  async #mend(pod: NodePod, promised: Promised & { is: 'promised' }, proof: Proof): Promise<void> {
    const { report } = this.#options
    const attempts = this.#attempts.get(pod.uid) ?? 0
    const cure = cureOf({ mode: promised.mode, verdict: proof.verdict, attempts })
    switch (cure) {
      case 'none':
        this.#attempts.delete(pod.uid)
        return
      case 'tell':
        return
      case 'evict':
        report.cured(proof, cure, 'asked')
        return
      case 'reprogramme':
        this.#attempts.set(pod.uid, attempts + 1)
        // whoever enrols ambient pods hears of each proof, and mends what was enrolled
        if (promised.intent.kind === 'sidecar') await this.#makeAgain(pod, promised)
    }
  }

  async #makeAgain(pod: NodePod, promised: Promised & { is: 'promised' }): Promise<void> {
    const { find, redirector, report } = this.#options
    const found = await find(pod)
    if (found.is === 'lost') return
    using netns = found.netns
    await redirector.redirect(netns, promised.intent)
    const verdict = restored(await this.#measured(pod, promised))
    if (this.#isOver(pod)) return
    const proof = this.#record(pod, promised.mode, verdict)
    const isMended = cureOf({ mode: promised.mode, verdict: proof.verdict, attempts: 0 }) !== 'reprogramme'
    report.cured(proof, 'reprogramme', isMended ? 'done' : 'failed')
  }

  /** Told, so that its owner hears of it; not to be evicted, since it is for its controller to make another (`projectEvictionAsk`). */
  #ended(pod: NodePod, mode: Mode): void {
    this.#record(pod, mode, { is: 'bypassing', measured: [], also: [{ code: 'pod_ended_unredirected', args: {} }] })
  }

  #isOver({ uid }: NodePod): boolean {
    const newest = this.#options.pods.get(uid)
    return newest === undefined || isOver(newest)
  }

  #record(pod: NodePod, mode: Mode, verdict: Verdict): Proof {
    return this.#options.proofs.record(pod, mode, verdict)
  }

  #forget(uid: string): void {
    this.#queue.delete(uid)
    this.#attempts.delete(uid)
    this.#measuredWith.delete(uid)
    this.#endedWith.delete(uid)
    this.#options.proofs.forget(uid)
  }
}

/** Has the pod ended, and not for want of redirection? Then there is nothing to measure, to mend, or to tell of it any more. */
function isOver({ object }: NodePod): boolean {
  return hasEnded(object) && !endedUnredirected(object)
}

/** That the rules were made again is said until the pod is measured the next time: its owner should hear of it. */
function restored(verdict: Verdict): Verdict {
  if (verdict.is !== 'redirected') return verdict
  return { ...verdict, also: [...verdict.also, { code: 'redirection_restored', args: {} }] }
}

function unknown(reason: Reason): Verdict {
  return { is: 'unknown', measured: [], also: [reason] }
}
