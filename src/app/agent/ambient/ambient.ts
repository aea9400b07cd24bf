import type { Address } from '../../../core/intent/address.ts'
import { ambientStanding, type AmbientRules, moveOf, type Standing } from '../../../core/intent/ambient-standing.ts'
import { encodeIntent } from '../../../core/intent/codec.ts'
import { intentOfDecided } from '../../../core/intent/pod.ts'
import type { Verdict } from '../../../core/redirection/evidence.ts'
import type { Reason, ReasonCode } from '../../../core/vocabulary/reasons.ts'
import { backoffMs } from '../../../edge/cluster/backoff.ts'
import { type Clock, SYSTEM_CLOCK } from '../../../edge/cluster/clock.ts'
import { messageOf } from '../../../edge/message-of.ts'
import type { PodQueue } from '../cni/pod-queue.ts'
import type { Journal } from '../journal.ts'
import type { NetnsFinder } from '../netns-finder.ts'
import type { NodePod, NodePods } from '../node-pods.ts'
import type { Enrolment, Problem } from './enrolment.ts'
import { type Mark, markFor } from './marks.ts'
import type { Workload } from './ztunnel-hub.ts'
import { type AmbientWork, type Held, problemOf, workFor } from './ambient-work.ts'
import { addressesOf, claimsAmbient, infoOf } from './pod-facts.ts'

/** What is asked of the node's pods. */
export type KnownPods = Pick<NodePods, 'synced' | 'all' | 'get' | 'namespaceLabels'>

/** For the log and the metrics. */
export interface AmbientNews {
  readonly work: AmbientWork
  readonly pod: Pick<NodePod, 'uid' | 'namespace' | 'name'>
  /** null: it is done */
  readonly problem: Problem
}

export interface AmbientOptions {
  readonly pods: KnownPods
  readonly enrolment: Enrolment
  readonly finder: Pick<NetnsFinder, 'find'>
  readonly journal: Journal
  readonly rules: AmbientRules
  readonly queue: PodQueue
  /** why this node brings no pod in at all; null: it does */
  readonly unable: () => Problem
  /** why every pod is to leave; null: none has to */
  readonly retired: () => Reason | null
  readonly mark: (pod: NodePod, mark: Mark) => void
  readonly onNews: (news: AmbientNews) => void
  /** every verdict that was measured here */
  readonly onVerdict: (uid: string, verdict: Verdict) => void
  readonly clock?: Clock
}

interface Tried {
  readonly failures: number
  readonly againAt: number
  readonly reason: Reason
}

const BACKOFF = { firstMs: 500, maxMs: 60_000 }
/** A pod that starts may be known here before the watch shows it. */
const SHOWN_WITHIN_MS = 60_000

/**
 * Keeps the ambient pods of the node as they should be, whatever changed: labels, namespaces, addresses, sandboxes, rules. It
 * starts from what is seen, not from what happened: a turn looks at every pod, and what fails is tried again later and later,
 * and told all the while.
 */
export class Ambient {
  readonly #options: AmbientOptions
  readonly #clock: Clock
  readonly #held = new Map<string, Held>()
  readonly #tried = new Map<string, Tried>()
  readonly #busy = new Set<string>()
  /** taken out, whatever their annotation still says */
  readonly #out = new Set<string>()

  constructor(options: AmbientOptions) {
    this.#options = options
    this.#clock = options.clock ?? SYSTEM_CLOCK
  }

  /** Looks at every pod of the node, and starts what is to be done; what it starts goes on behind it. */
  turn(signal: AbortSignal): void {
    const { pods } = this.#options
    if (!pods.synced) return
    for (const pod of pods.all()) this.consider(pod, signal)
    const now = this.#clock.now()
    for (const [uid, { since }] of this.#held)
      if (pods.get(uid) === undefined && now - since > SHOWN_WITHIN_MS)
        this.gone({ uid, namespace: '', name: '' }, signal)
  }

  /** Looks at one pod, which just came or changed. */
  consider(pod: NodePod, signal: AbortSignal): void {
    const { uid } = pod
    const standing = this.standingOf(pod)
    if (standing === undefined) return
    const held = this.#held.get(uid)
    const claims = claimsAmbient(pod)
    const move = moveOf(held !== undefined || (claims && !this.#out.has(uid)), standing)
    if (move === 'join' || move === 'stay') {
      this.#out.delete(uid)
      const mark = markFor(held, claims && this.#tried.has(uid))
      if (mark !== undefined) this.#options.mark(pod, mark)
      const work = workFor(pod, held)
      if (work !== null) this.#start(work, pod, signal)
    } else if (move === 'leave' || move === 'forget') this.#start(move, pod, signal)
    else {
      this.#tried.delete(uid)
      if (claims) this.#options.mark(pod, null)
    }
  }

  /** A pod is gone: nothing of it may stay. */
  gone(pod: AmbientNews['pod'], signal: AbortSignal): void {
    this.#tried.delete(pod.uid)
    this.#out.delete(pod.uid)
    if (this.#held.has(pod.uid)) this.#start('forget', pod, signal)
  }

  /** Is the pod for ambient? Undefined while its namespace is not known: that is not a no. */
  standingOf(pod: NodePod): Standing | undefined {
    const { pods, rules, retired } = this.#options
    const labels = pods.namespaceLabels(pod.namespace)
    if (labels === undefined) return undefined
    const standing = ambientStanding(pod.object, { name: pod.namespace, labels }, rules)
    // only what is in can be taken out: a pod with a sidecar keeps the rules that it has
    const reason = standing.is === 'in' ? retired() : null
    return reason === null ? standing : { is: 'out', reason }
  }

  /** What ztunnel must not end when the agent starts: all that are in or say so, their namespaces not looked for yet. */
  known(): readonly Workload[] {
    return this.#options.pods
      .all()
      .filter((pod) => (this.standingOf(pod)?.is ?? (claimsAmbient(pod) ? 'in' : 'out')) === 'in')
      .map((pod) => ({ uid: pod.uid, info: infoOf(pod), netns: null }))
  }

  held(uid: string): Held | undefined {
    return this.#held.get(uid)
  }

  /** Takes over a pod that was brought in while its sandbox was made. */
  take(uid: string, held: Held): void {
    this.#tried.delete(uid)
    this.#held.set(uid, held)
  }

  /** Lets go of a pod whose sandbox is gone. */
  release(uid: string): void {
    this.#held.delete(uid)
    this.#tried.delete(uid)
  }

  /** Somebody measured the pod: what is bad is mended, and what was promised is marked. */
  judged(uid: string, verdict: Verdict): void {
    const held = this.#held.get(uid)
    if (held !== undefined)
      this.#held.set(uid, { ...held, proof: verdict.is, wasProven: held.wasProven || verdict.is === 'redirected' })
  }

  /** ztunnel is another one than before: what was measured through the last one says nothing of it. */
  doubt(): void {
    for (const [uid, held] of this.#held) this.#held.set(uid, { ...held, proof: null })
  }

  /** What stands in the way now, once for each pod. */
  alarms(): readonly Reason[] {
    return [...this.#tried.values()].map(({ reason }) => reason)
  }

  /**
   * Who the host's sets are to hold: those that are in, and those that should be and say so, whom another agent may have brought in.
   * They are all only where every pod that should be in is: else one would be taken out that is merely not seen yet.
   */
  members(): { readonly want: ReadonlyMap<Address, string>; readonly complete: boolean } {
    const { pods } = this.#options
    const missing = pods.all().filter((pod) => !this.#held.has(pod.uid) && (this.standingOf(pod)?.is ?? 'in') === 'in')
    const said = missing.filter(claimsAmbient).map((pod) => ({ uid: pod.uid, addresses: addressesOf(pod) }))
    const held = [...this.#held].map(([uid, { addresses }]) => ({ uid, addresses }))
    const want = [...said, ...held].flatMap(({ uid, addresses }) => addresses.map((one) => [one, uid] as const))
    return { want: new Map(want), complete: pods.synced && missing.length === 0 }
  }

  /** How many pods are in, by whether that was measured, and how many should be and are not. */
  counts(): Readonly<Record<'proven' | 'unproven' | 'waiting', number>> {
    const held = [...this.#held.values()]
    const proven = held.filter(({ proof }) => proof === 'redirected').length
    const waiting = [...this.#tried.keys()].filter((uid) => !this.#held.has(uid)).length
    return { proven, unproven: held.length - proven, waiting }
  }

  #start(work: AmbientWork, pod: AmbientNews['pod'], signal: AbortSignal): void {
    const { uid } = pod
    if (signal.aborted || this.#busy.has(uid) || this.#clock.now() < (this.#tried.get(uid)?.againAt ?? 0)) return
    this.#busy.add(uid)
    void this.#run(work, pod, signal).finally(() => this.#busy.delete(uid))
  }

  async #run(work: AmbientWork, pod: AmbientNews['pod'], signal: AbortSignal): Promise<void> {
    let problem: Problem
    try {
      const queued = await this.#options.queue.run(pod.uid, async () => await this.#do(work, pod, signal))
      problem = queued.is === 'done' ? queued.value : { code: 'agent_busy', args: { waiting: queued.waiting } }
    } catch (error) {
      problem = { code: 'ambient_step_failed', args: { error: messageOf(error) } }
    }
    // a pod that went meanwhile has nothing left to be tried again
    const isKnown = this.#options.pods.get(pod.uid) !== undefined || this.#held.has(pod.uid)
    if (problem === null || !isKnown) this.#tried.delete(pod.uid)
    else {
      const failures = (this.#tried.get(pod.uid)?.failures ?? 0) + 1
      const againAt = this.#clock.now() + backoffMs(failures, BACKOFF, this.#clock.random())
      this.#tried.set(pod.uid, { failures, againAt, reason: problem })
    }
    this.#options.onNews({ work, pod, problem })
  }

  async #do(work: AmbientWork, { uid }: AmbientNews['pod'], signal: AbortSignal): Promise<Problem> {
    const pod = this.#options.pods.get(uid)
    if (work === 'forget' || pod === undefined) return await this.#forget(uid)
    if (work === 'leave') return await this.#leave(pod)
    if (work === 'prove') return await this.#prove(pod)
    return await this.#join(pod, signal)
  }

  async #join(pod: NodePod, signal: AbortSignal): Promise<Problem> {
    const { enrolment, finder, journal, unable } = this.#options
    const isNew = !this.#held.has(pod.uid) && !claimsAmbient(pod)
    const inability = isNew ? unable() : null
    if (inability !== null) return inability
    const read = intentOfDecided(pod.object, 'ambient')
    if (read.is !== 'redirect' || read.intent.kind !== 'ambient') return read.is === 'redirect' ? null : read.reason
    const { uid, namespace, name } = pod
    const { intent } = read
    const addresses = addressesOf(pod)
    const found = await finder.find({ uid, addresses })
    if (found.is === 'lost') return found.reason
    using netns = found.netns
    const problem = await enrolment.join({ uid, info: infoOf(pod), addresses, intent, netns }, signal)
    if (problem !== null) {
      // one that was in before stays as it is: half of it is better than none, and it is tried again
      if (isNew) await enrolment.withdraw(uid, netns)
      return problem
    }
    const containerId = this.#held.get(uid)?.containerId ?? journal.get(uid)?.containerId ?? ''
    const place = { containerId, netnsPath: found.path, netnsId: netns.id }
    this.#held.set(uid, { ...place, intent, addresses, proof: null, wasProven: false, since: this.#clock.now() })
    const appliedAt = new Date().toISOString()
    const entry = { uid, namespace, name, ...place, addresses, mode: 'ambient', rules: 'made', appliedAt } as const
    journal.put({ ...entry, intent: encodeIntent(intent) })
    return await this.#measure(pod, netns)
  }

  async #prove(pod: NodePod): Promise<Problem> {
    const found = await this.#options.finder.find({ uid: pod.uid, addresses: addressesOf(pod) })
    if (found.is === 'lost') return found.reason
    using netns = found.netns
    return await this.#measure(pod, netns)
  }

  async #measure(pod: NodePod, netns: Parameters<Enrolment['measure']>[0]): Promise<Problem> {
    const held = this.#held.get(pod.uid)
    if (held === undefined) return null
    const verdict = await this.#options.enrolment.measure(netns, held.intent)
    this.judged(pod.uid, verdict)
    this.#options.onVerdict(pod.uid, verdict)
    return verdict.is === 'redirected' ? null : problemOf(verdict)
  }

  async #leave(pod: NodePod): Promise<Problem> {
    const { uid } = pod
    const { enrolment, finder } = this.#options
    const standing = this.standingOf(pod)
    // what the sidecar's rules need stays: a pod gets its sidecar when it is made, so nothing of ambient is inside
    if (standing?.is === 'out' && SIDECARS.includes(standing.reason.code)) return await this.#forget(uid)
    const found = await finder.find({ uid, addresses: addressesOf(pod) })
    // ztunnel keeps it until its rules are gone: or its traffic would lead nowhere (cni.md §11, quirk 36)
    if (found.is === 'lost') return found.reason
    using netns = found.netns
    const problem = await enrolment.leave(uid, netns)
    if (problem !== null) return problem
    return this.#left(uid)
  }

  async #forget(uid: string): Promise<Problem> {
    const problem = await this.#options.enrolment.forget(uid)
    return problem ?? this.#left(uid)
  }

  #left(uid: string): null {
    this.#held.delete(uid)
    this.#options.journal.remove(uid)
    if (this.#options.pods.get(uid) !== undefined) this.#out.add(uid)
    return null
  }
}

const SIDECARS: readonly ReasonCode[] = ['sidecar_in_pod', 'host_network']
