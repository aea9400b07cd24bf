import type { ReasonRow } from './reason-row.ts'

/** Reasons of pods that join, keep to and leave ambient on their node (cni.md §5). */
export const AMBIENT_REASONS = {
  sidecar_in_pod: {
    level: 'skip',
    says: () => 'the pod has a sidecar, which takes its traffic',
    fix: null,
  },
  ambient_not_asked: {
    level: 'skip',
    says: () => "neither the pod's labels nor its namespace's ask for ambient",
    fix: null,
  },
  pod_finished: {
    level: 'skip',
    says: () => 'the pod has finished, and its address may be given to another',
    fix: null,
  },
} as const satisfies Record<string, ReasonRow>
