import { labelsOf } from '../json/pod.ts'
import type { Wish } from '../vocabulary/modes.ts'
import { WISHES } from '../vocabulary/modes.ts'
import { SLUICE_LABELS } from '../vocabulary/names.ts'
import type { Reason } from '../vocabulary/reasons.ts'
import type { Facts } from './facts.ts'
import type { Source } from './source.ts'
import { labelSource } from './source.ts'

/** What is wished for a pod, and by whom. */
export interface Wished {
  readonly wish: Wish
  readonly by: Source
  /** does it stand on the pod or its namespace, not only in the policy? */
  readonly explicit: boolean
}

export type WishReading =
  | { readonly is: 'wish'; readonly wished: Wished }
  | { readonly is: 'unknown'; readonly reason: Reason; readonly by: Source }

/**
 * The wish of a pod: its own label `sluice-mesh.io/mode`, else its namespace's, else the policy's `defaultMode`. A value
 * that is no wish is reported, never guessed: a misspelt opt-in must not run a pod outside the mesh.
 */
export function wishOf({ pod, namespace, policy }: Pick<Facts, 'pod' | 'namespace' | 'policy'>): WishReading {
  const places = [
    ['pod', labelsOf(pod)],
    ['namespace', namespace.labels],
  ] as const
  for (const [place, labels] of places) {
    const value = labels[SLUICE_LABELS.mode]
    if (value === undefined) continue
    const by = labelSource(place, SLUICE_LABELS.mode, value)
    const wish = WISHES.find((known) => known === value)
    if (wish !== undefined) return { is: 'wish', wished: { wish, by, explicit: true } }
    return { is: 'unknown', reason: { code: 'wish_unknown', args: { place: by.text, allowed: WISHES.join(', ') } }, by }
  }
  const by: Source = { place: 'policy', text: `the policy's defaultMode=${policy.defaultMode}` }
  return { is: 'wish', wished: { wish: policy.defaultMode, by, explicit: false } }
}
