import type { ReasonRow } from './reason-row.ts'

/** Reasons of the intent, the rules and what was measured about them. */
export const REDIRECTION_REASONS = {
  intent_invalid: {
    level: 'refuse',
    says: (p: { field: string; problem: string }) => `what is to be redirected cannot be read: ${p.field} ${p.problem}`,
    fix: 'correct the annotation or argument that is named',
  },
} as const satisfies Record<string, ReasonRow>
