import type { Address } from '../../../core/intent/address.ts'
import { encodeIntent } from '../../../core/intent/codec.ts'
import type { AmbientIntent } from '../../../core/intent/intent.ts'
import { intentOfDecided } from '../../../core/intent/pod.ts'
import type { Judgement, Verdict } from '../../../core/redirection/evidence.ts'
import { type Reason, sentence } from '../../../core/vocabulary/reasons.ts'
import type { NamespaceId } from '../../../edge/host/namespaces.ts'
import type { NodePod } from '../node-pods.ts'
import { addressesOf, runs } from './pod-facts.ts'

/** What is done about a pod. `prove`: measure it; `mend`: bring it to what it should be once more. */
export type AmbientWork = 'join' | 'mend' | 'prove' | 'leave' | 'forget'

/** A pod that was brought in. */
export interface Held {
  readonly containerId: string
  readonly netnsPath: string
  readonly netnsId: NamespaceId
  readonly intent: AmbientIntent
  readonly addresses: readonly Address[]
  /** what was measured last; null: nothing yet */
  readonly proof: Judgement | null
  /** it was measured to be redirected since its sandbox was made */
  readonly wasProven: boolean
  readonly since: number
}

/** What a pod that is for ambient needs now; null: nothing. */
export function workFor(pod: NodePod, held: Held | undefined): AmbientWork | null {
  const addresses = addressesOf(pod)
  // a pod that has not got its network yet comes by its sandbox
  if (held === undefined) return addresses.length > 0 || runs(pod) ? 'join' : null
  if (addresses.some((address) => !held.addresses.includes(address)) || intentChanged(pod, held)) return 'mend'
  if (held.proof === 'bypassing' || held.proof === 'partial') return 'mend'
  // an address that only the runtime knows cannot be looked for yet
  return held.proof === 'redirected' || addresses.length === 0 ? null : 'prove'
}

function intentChanged({ object }: NodePod, { intent }: Held): boolean {
  const read = intentOfDecided(object, 'ambient')
  return read.is === 'redirect' && encodeIntent(read.intent) !== encodeIntent(intent)
}

/** What speaks most against the pod. */
export function problemOf({ is, measured, also }: Verdict): Reason {
  const against = measured.find(({ holds }) => holds === false) ?? measured.find(({ holds }) => holds === null)
  const why = against?.reason ?? also[0]
  if (is === 'unknown' && why !== undefined) return why
  return { code: 'ambient_bypassed', args: { why: why === undefined ? 'nothing was measured' : sentence(why) } }
}
