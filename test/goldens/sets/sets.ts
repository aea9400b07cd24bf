import type { GoldenSet } from '../golden-set.ts'
import { INJECTION } from './injection.ts'
import { INJECTION_FUNCTIONS } from './injection-functions.ts'

/** The sets that the runner has code for. */
export const SETS: readonly GoldenSet[] = [INJECTION, INJECTION_FUNCTIONS]

/** What else a goldens directory may hold: said to be left out, and counted nowhere. */
export const WITHOUT_CODE: readonly string[] = [
  'selection.tsv',
  'injection-webhooks.json',
  'redirection',
  'conflist',
  'cgroups.tsv',
  'repair.json',
]
