import type { Address } from '../../../core/intent/address.ts'
import { type AmbientIntent, PLAIN_AMBIENT } from '../../../core/intent/intent.ts'
import type { Verdict } from '../../../core/redirection/evidence.ts'
import type { Reason } from '../../../core/vocabulary/reasons.ts'
import type { WorkloadInfo } from '../../../core/zds/message.ts'
import { setAside } from '../../../edge/host/descriptors.ts'
import type { NetnsHandle } from '../../../edge/host/namespaces.ts'
import type { NetnsWorker } from '../../../edge/host/netns-worker.ts'
import type { Redirector } from '../redirector.ts'
import { ambientTarget } from '../verify/intent-target.ts'
import { measure } from '../verify/verify.ts'
import type { ProbePath } from './probe-path.ts'
import type { Ztunnels } from './ztunnels.ts'

/** A pod whose network namespace is at hand. */
export interface PlacedPod {
  readonly uid: string
  readonly info: WorkloadInfo
  readonly addresses: readonly Address[]
  readonly intent: AmbientIntent
  /** open until the call that it was given to has settled */
  readonly netns: NetnsHandle
}

export interface EnrolmentOptions {
  readonly redirector: Redirector
  readonly ztunnels: Pick<Ztunnels, 'add' | 'remove'>
  readonly probePath: ProbePath
  readonly worker: NetnsWorker
  /** where the node's own probes come from */
  readonly host: NetnsHandle
  readonly proc: string
  /** whether the DNS of pods that do not say otherwise is captured */
  readonly dnsCapture: boolean
}

/** Nothing to say, or why it could not be done. */
export type Problem = Reason | null

/**
 * What is done to one pod, step by step. Everything is idempotent, and in an order in which traffic never meets a gap: probes
 * keep a way of their own before rules exist, ztunnel listens before anything leads to it, and rules go before ztunnel leaves.
 */
export class Enrolment {
  readonly #options: EnrolmentOptions

  constructor(options: EnrolmentOptions) {
    this.#options = options
  }

  /** Brings a pod in, or into what it should be. What was done stays where a later step fails: `withdraw` takes it back. */
  async join(pod: PlacedPod, signal: AbortSignal): Promise<Problem> {
    const { redirector, ztunnels, probePath } = this.#options
    const { uid, info, addresses, intent, netns } = pod
    const steps: readonly (() => Promise<Problem>)[] = [
      async () => await probePath.put(uid, addresses),
      // ztunnel's socket keeps and closes what it is given, so it gets a descriptor of its own
      async () => await unlessAborted(signal, ztunnels.add({ uid, info, netns: setAside(netns.fd) })),
      async () => {
        const made = await redirector.redirect(netns, intent)
        return made.is === 'refused' ? made.reason : null
      },
    ]
    for (const step of steps) {
      if (signal.aborted) return GAVE_UP
      const problem = await step()
      if (problem !== null) return problem
    }
    return signal.aborted ? GAVE_UP : null
  }

  /** Takes a pod out that runs on: its traffic goes its own way before ztunnel stops to listen. */
  async leave(uid: string, netns: NetnsHandle): Promise<Problem> {
    const undone = await this.#options.redirector.undo(netns, PLAIN_AMBIENT)
    if (undone !== null) return undone
    const verdict = await this.measure(netns, PLAIN_AMBIENT)
    // what cannot be told is not held against it: the kernel said that the rules are gone
    if (verdict.is === 'redirected' || verdict.is === 'partial') return { code: 'ambient_not_left', args: {} }
    return await this.forget(uid)
  }

  /** For a pod whose namespace ends by itself, or has nothing of ours. */
  async forget(uid: string): Promise<Problem> {
    const { ztunnels, probePath } = this.#options
    const told = await ztunnels.remove(uid)
    const dropped = await probePath.drop(uid)
    return told ?? dropped
  }

  /** Takes back what `join` did to a pod that does not start. */
  async withdraw(uid: string, netns: NetnsHandle): Promise<Problem> {
    const undone = await this.#options.redirector.undo(netns, PLAIN_AMBIENT)
    const forgotten = await this.forget(uid)
    return undone ?? forgotten
  }

  /** Puts the addresses in that the pod has now. */
  async readdress(uid: string, addresses: readonly Address[]): Promise<Problem> {
    return await this.#options.probePath.put(uid, addresses)
  }

  /** Measures whether traffic of the pod comes to ztunnel. Rejects where the namespace cannot be entered. */
  async measure(netns: NetnsHandle, intent: AmbientIntent): Promise<Verdict> {
    const { worker, host, proc, dnsCapture } = this.#options
    return await measure(netns, {
      worker,
      target: ambientTarget(intent, intent.dns === 'node' ? dnsCapture : intent.dns === 'on'),
      proxyExpected: true,
      outside: host,
      proc,
      missingRules: null,
    })
  }
}

const GAVE_UP: Reason = { code: 'ambient_too_late', args: {} }

/** ztunnel's answer, unless whoever waits gives up first. */
async function unlessAborted(signal: AbortSignal, answer: Promise<Problem>): Promise<Problem> {
  const { promise, resolve } = Promise.withResolvers<Problem>()
  const giveUp = (): void => resolve(GAVE_UP)
  signal.addEventListener('abort', giveUp, { once: true })
  try {
    return await Promise.race([answer, promise])
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
}
