import type { AmbientIntent } from '../../../core/intent/intent.ts'
import type { Reason } from '../../../core/vocabulary/reasons.ts'
import type { NetnsHandle } from '../../../edge/host/namespaces.ts'
import type { CniOutcome } from './answer.ts'

/** One network of one pod, as the runtime makes it. */
export interface Sandbox {
  readonly uid: string
  readonly namespace: string
  readonly name: string
  /** null: not known yet */
  readonly serviceAccount: string | null
  readonly containerId: string
  /** as this process sees it */
  readonly netnsPath: string
  /** open until the call that it was given to has settled; whoever keeps it makes a copy */
  readonly netns: NetnsHandle
  /** that the plugin before gave to the pod; empty where it did not say */
  readonly addresses: readonly string[]
}

/** What brings an ambient pod into the mesh while its sandbox is made. */
export interface AmbientEnrolment {
  /**
   * Resolves when rules are made and ztunnel answered, or another agent has done both (`node_found_right`), else with why not; then,
   * or where `signal` aborts, nothing of ours is left but what an earlier call for the same sandbox did.
   */
  readonly enrol: (sandbox: Sandbox, intent: AmbientIntent, signal: AbortSignal) => Promise<CniOutcome>
  /** The sandbox is gone. Idempotent; never rejects. */
  readonly leave: (uid: string, containerId: string) => Promise<void>
  /** Is the pod still as `enrol` left it? */
  readonly check: (sandbox: Sandbox, intent: AmbientIntent) => Promise<Reason | null>
}
