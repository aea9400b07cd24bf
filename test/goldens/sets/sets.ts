import type { GoldenSet } from '../golden-set.ts'
import { CGROUPS } from './cgroups.ts'
import { CONFLIST } from './conflist.ts'
import { INJECTION } from './injection.ts'
import { INJECTION_FUNCTIONS } from './injection-functions.ts'
import { REDIRECTION } from './redirection.ts'
import { REPAIR } from './repair.ts'
import { SELECTION } from './selection.ts'
import { WEBHOOKS } from './webhooks.ts'

/** The sets that the runner has code for. */
export const SETS: readonly GoldenSet[] = [
  INJECTION,
  INJECTION_FUNCTIONS,
  SELECTION,
  WEBHOOKS,
  REDIRECTION,
  CONFLIST,
  CGROUPS,
  REPAIR,
]
