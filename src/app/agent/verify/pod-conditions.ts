import { conditionOf, type PodCondition } from './proof-condition.ts'
import { POD_CONDITIONS } from '../../../core/vocabulary/names.ts'
import { ApiError, hasStatus } from '../../../edge/cluster/api-error.ts'
import type { ClusterClient } from '../../../edge/cluster/client.ts'
import { type Loop, periodic } from '../loop.ts'
import type { Proof } from './proofs.ts'

export interface PodConditionsOptions {
  readonly client: Pick<ClusterClient, 'patch'>
  readonly report: (problem: unknown, proof: Proof) => void
}

interface Written {
  readonly text: string
  /** by a clock that nobody sets */
  readonly tick: number
}

const TURN_MS = 1_000
/** A proof that goes on being the same is told again after this, so that its age in the API stays bounded. */
const REFRESH_MS = 60 * 60 * 1000
/** What failed waits for another try; in between the API server is left alone. */
const PAUSE_AFTER_FAILURE_MS = 5_000

/**
 * Tells the API server what was measured about the node's pods, as conditions of their status. Never on the way of a pod that
 * starts: newest proofs wait here, one for each pod, and are written one after the other, only where they say something new.
 */
export class PodConditions {
  readonly loop: Loop
  readonly #options: PodConditionsOptions
  readonly #waiting = new Map<string, { readonly proof: Proof; readonly evict: boolean }>()
  readonly #written = new Map<string, Written>()
  /** whose conditions are on their way now, while that is still of interest */
  #writing: string | null = null
  #pausedUntil = -Infinity

  constructor(options: PodConditionsOptions) {
    this.#options = options
    this.loop = periodic({
      name: 'conditions',
      everyMs: TURN_MS,
      turn: async (signal) => await this.#turn(signal),
      report: () => undefined,
    })
  }

  /** Takes the newest proof of a pod; `evict`: nothing on the node can mend it. */
  tell(proof: Proof, evict: boolean): void {
    this.#waiting.set(proof.uid, { proof, evict })
  }

  forget(uid: string): void {
    this.#waiting.delete(uid)
    this.#written.delete(uid)
    if (this.#writing === uid) this.#writing = null
  }

  async #turn(signal: AbortSignal): Promise<void> {
    for (const uid of [...this.#waiting.keys()]) {
      if (signal.aborted || performance.now() < this.#pausedUntil) return
      const told = this.#waiting.get(uid)
      // forgotten while another one was written
      if (told === undefined) continue
      this.#waiting.delete(uid)
      this.#writing = uid
      await this.#write(told.proof, told.evict)
      this.#writing = null
    }
  }

  async #write(proof: Proof, evict: boolean): Promise<void> {
    const before = this.#written.get(proof.uid)
    const conditions = conditionsOf(proof, evict, before !== undefined)
    const text = JSON.stringify(conditions)
    if (before?.text === text && proof.ticks.measured - before.tick < REFRESH_MS) return
    try {
      await this.#options.client.patch(statusOf(proof), 'strategic', {
        // the API server refuses the patch where the name belongs to another pod by now
        metadata: { uid: proof.uid },
        status: { conditions: conditions.map((condition) => ({ ...condition, ...times(proof) })) },
      })
      if (this.#writing === proof.uid) this.#written.set(proof.uid, { text, tick: proof.ticks.measured })
    } catch (error) {
      if (isAboutAnotherPod(error)) return
      this.#pausedUntil = performance.now() + PAUSE_AFTER_FAILURE_MS
      const isWanted = this.#writing === proof.uid && !this.#waiting.has(proof.uid)
      if (isWanted) this.#waiting.set(proof.uid, { proof, evict })
      this.#options.report(error, proof)
    }
  }
}

/** The pod is gone, and another one may have its name: a uid that is not the stored one is an invalid change of it. */
function isAboutAnotherPod(error: unknown): boolean {
  if (hasStatus(error, 404) || hasStatus(error, 409)) return true
  return error instanceof ApiError && error.status === 422 && error.message.includes('metadata.uid')
}

/** A pod that never asked for its eviction carries no such condition. */
function conditionsOf({ verdict }: Proof, evict: boolean, wasWritten: boolean): readonly PodCondition[] {
  const redirected = conditionOf(POD_CONDITIONS.redirected, verdict)
  if (!evict && !wasWritten) return [redirected]
  const { reason, message } = redirected
  return [redirected, { type: POD_CONDITIONS.evict, status: evict ? 'True' : 'False', reason, message }]
}

function times({ measuredAt, since }: Proof): { readonly lastProbeTime: string; readonly lastTransitionTime: string } {
  return { lastProbeTime: timeText(measuredAt), lastTransitionTime: timeText(since) }
}

/** As metav1.Time: whole seconds. */
function timeText(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`
}

function statusOf({ namespace, name }: Proof) {
  return { resource: { group: '', version: 'v1', plural: 'pods' }, namespace, name, subresource: 'status' }
}
