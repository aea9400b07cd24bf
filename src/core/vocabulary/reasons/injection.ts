import type { ReasonRow } from './reason-row.ts'

/** Reasons that arise while a pod is changed. */
export const INJECTION_REASONS = {
  annotation_invalid: {
    level: 'refuse',
    says: (p: { problems: string }) => `annotations of the pod cannot be used: ${p.problems}`,
    fix: 'correct the annotations; docs/annotations.md lists what each allows',
  },
} as const satisfies Record<string, ReasonRow>
