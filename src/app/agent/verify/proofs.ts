import type { Verdict } from '../../../core/redirection/evidence.ts'
import type { Mode } from '../../../core/vocabulary/modes.ts'
import type { NodePod } from '../node-pods.ts'

/** What was measured last about one pod. */
export interface Proof {
  readonly uid: string
  readonly namespace: string
  readonly name: string
  readonly mode: Mode
  readonly verdict: Verdict
  /** milliseconds since 1970, for others to read */
  readonly measuredAt: number
  /** since when each measurement said the same */
  readonly since: number
  /** the same two by a clock that nobody sets: ages are told from these alone */
  readonly ticks: { readonly measured: number; readonly since: number }
}

export type ProofListener = (proof: Proof, before: Proof | undefined) => void

/**
 * The newest measurement of each pod of the node, whoever made it. What was never measured is not here, which is not a pass:
 * who counts asks for the pods that should be.
 */
export class Proofs {
  readonly #proofs = new Map<string, Proof>()
  readonly #listeners: ProofListener[] = []

  /** Keeps what was measured about `pod` just now, and tells whoever listens. */
  record({ uid, namespace, name }: NodePod, mode: Mode, verdict: Verdict): Proof {
    const before = this.#proofs.get(uid)
    const [now, tick] = [Date.now(), performance.now()]
    const same = before?.verdict.is === verdict.is ? before : { since: now, ticks: { since: tick } }
    const ticks = { measured: tick, since: same.ticks.since }
    const proof: Proof = { uid, namespace, name, mode, verdict, measuredAt: now, since: same.since, ticks }
    this.#proofs.set(uid, proof)
    for (const listener of this.#listeners) listener(proof, before)
    return proof
  }

  get(uid: string): Proof | undefined {
    return this.#proofs.get(uid)
  }

  all(): readonly Proof[] {
    return [...this.#proofs.values()]
  }

  /** The pod is gone, or nothing is promised to it any more. */
  forget(uid: string): void {
    this.#proofs.delete(uid)
  }

  onRecord(listener: ProofListener): void {
    this.#listeners.push(listener)
  }
}
