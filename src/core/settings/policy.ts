import type { Family } from '../vocabulary/modes.ts'

/** Sluice's own policy (design.md); the schema, defaults and parser stand beside it. */
export interface Policy {
  readonly families: readonly Family[]
}
