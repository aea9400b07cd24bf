import type { Step } from './draft.ts'

/** What is done to a pod, in this order (injector.md §7). */
export const STEPS: readonly Step[] = []
