import type { ReasonRow } from './reason-row.ts'

/** Reasons of eligibility and of the choice of a mode. */
export const DECISION_REASONS = {
  host_network: {
    level: 'skip',
    says: () => 'the pod uses the network of its node, which no mesh can redirect',
    fix: null,
  },
} as const satisfies Record<string, ReasonRow>
