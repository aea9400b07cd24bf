import type { JobKind } from './netns-jobs.ts'

/** Two queues: what measures begins only where nothing waits to be made, so that no pod that starts waits for a measurement. */
export type LaneName = 'making' | 'measuring'

/** Which queue a job is in. What is short and asked while rules are made is there with them. */
export const LANE_OF: Readonly<Record<JobKind, LaneName>> = {
  apply: 'making',
  remove: 'making',
  nft: 'making',
  dump: 'making',
  look: 'making',
  routing: 'making',
  changeRules: 'making',
  addresses: 'making',
  lackingItems: 'making',
  abilities: 'making',
  scratchNode: 'making',
  survey: 'measuring',
  leavingBy: 'measuring',
  probe: 'measuring',
  knock: 'measuring',
  processes: 'measuring',
}
