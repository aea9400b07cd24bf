import { annotationsOf } from '../../../core/json/pod.ts'
import type { Judgement } from '../../../core/redirection/evidence.ts'
import { ISTIO_ANNOTATIONS } from '../../../core/vocabulary/names.ts'
import { hasStatus } from '../../../edge/cluster/api-error.ts'
import { backoffMs } from '../../../edge/cluster/backoff.ts'
import type { ClusterClient } from '../../../edge/cluster/client.ts'
import { type Clock, SYSTEM_CLOCK } from '../../../edge/cluster/clock.ts'
import type { NodePod } from '../node-pods.ts'

/** What the annotation `ambient.istio.io/redirection` says; istiod takes a pod for one of ztunnel's by `enabled`. */
export type Mark = 'enabled' | 'pending' | null

/**
 * What is to be said of a pod that is for ambient; undefined: what is said already. `enabled` is only for what was measured, and
 * stays where it was and cannot be told just now: istiod and every peer go by it. `struggles`: the pod says that it is in, and could
 * not be brought in.
 */
export function markFor(
  held: { readonly proof: Judgement | null; readonly wasProven: boolean } | undefined,
  struggles: boolean,
): Mark | undefined {
  if (held === undefined) return struggles ? 'pending' : undefined
  if (held.proof === 'redirected') return 'enabled'
  return held.proof === null || (held.proof === 'unknown' && held.wasProven) ? undefined : 'pending'
}

export interface MarksOptions {
  readonly client: Pick<ClusterClient, 'patch'>
  readonly report: (pod: NodePod, error: unknown) => void
  readonly clock?: Clock
}

interface Written {
  readonly mark: Mark
  readonly failures: number
  readonly until: number
}

/** Patches that are under way at the same time; who does not fit is asked about again in a moment. */
const AT_ONCE = 8
/** By then the watch has shown what was written. */
const SHOWN_WITHIN_MS = 10_000
const BACKOFF = { firstMs: 1000, maxMs: 60_000 }
const PODS = { group: '', version: 'v1', plural: 'pods' }

/**
 * Writes the annotation of the node's ambient pods, beside everything else: no pod waits for it. Asked again and again, it
 * writes only where the pod as it is known says something else.
 */
export class Marks {
  readonly #options: MarksOptions
  readonly #clock: Clock
  readonly #written = new Map<string, Written>()
  /** patches under way; what comes of one that was taken out meanwhile is of no interest */
  readonly #flying = new Map<string, symbol>()
  #underWay = 0

  constructor(options: MarksOptions) {
    this.#options = options
    this.#clock = options.clock ?? SYSTEM_CLOCK
  }

  /** Has the annotation of `pod` become `mark`. */
  set(pod: NodePod, mark: Mark): void {
    const { uid } = pod
    if ((annotationsOf(pod.object)[ISTIO_ANNOTATIONS.redirection] ?? null) === mark) {
      this.#written.delete(uid)
      return
    }
    const before = this.#written.get(uid)
    const waits = before?.mark === mark && this.#clock.now() < before.until
    if (waits || this.#flying.has(uid) || this.#underWay >= AT_ONCE) return
    void this.#fly(pod, mark, before?.mark === mark ? before.failures : 0)
  }

  /** Forgets a pod that is gone. */
  forget(uid: string): void {
    this.#written.delete(uid)
    this.#flying.delete(uid)
  }

  async #fly(pod: NodePod, mark: Mark, failures: number): Promise<void> {
    const flight = Symbol(pod.uid)
    this.#flying.set(pod.uid, flight)
    this.#underWay += 1
    const written = await this.#write(pod, mark, failures)
    this.#underWay -= 1
    // forgotten meanwhile: nothing would ever take the memory of it away again
    if (this.#flying.get(pod.uid) !== flight) return
    this.#flying.delete(pod.uid)
    this.#written.set(pod.uid, written)
  }

  async #write(pod: NodePod, mark: Mark, failures: number): Promise<Written> {
    const { client, report } = this.#options
    const { uid, namespace, name } = pod
    const target = { resource: PODS, namespace, name, subresource: 'status' }
    // the uid is a condition: another pod of the same name is not touched
    const patch = { metadata: { uid, annotations: { [ISTIO_ANNOTATIONS.redirection]: mark } } }
    try {
      await client.patch(target, 'merge', patch)
      return { mark, failures: 0, until: this.#clock.now() + SHOWN_WITHIN_MS }
    } catch (error) {
      const again = backoffMs(failures + 1, BACKOFF, this.#clock.random())
      // gone, or its name is another pod's: the watch says so soon
      if (!GONE.some((status) => hasStatus(error, status))) report(pod, error)
      return { mark, failures: failures + 1, until: this.#clock.now() + again }
    }
  }
}

const GONE = [404, 409, 422]
