import type { GuardParameter } from '../../../core/registration/guard-keys.ts'
import type { Policy } from '../../../core/settings/policy.ts'
import type { Reason } from '../../../core/vocabulary/reasons.ts'
import type { Clock } from '../../../edge/cluster/clock.ts'
import type { Connection } from '../../../edge/cluster/connection.ts'
import type { ElectionLimits } from '../../../edge/cluster/election.ts'
import type { ListWatchLimits, ListWatchProblem } from '../../../edge/cluster/list-watch-options.ts'
import type { Logger } from '../../../edge/telemetry/logger.ts'
import type { WebhookMetrics } from '../record.ts'
import type { Installation } from '../world.ts'
import type { TurnLimits } from './turns.ts'

/** What every duty of the leader works with. */
export interface LeaderParts {
  readonly connection: Connection
  readonly installation: Installation
  /** this replica, unlike every other process */
  readonly identity: string
  /** undefined while there is none that can be used */
  readonly policy: () => Policy | undefined
  /** what the guard should be told and is told; undefined while that is not known */
  readonly guard: () => GuardParameter | undefined
  readonly log: Logger
  readonly metrics: WebhookMetrics
  readonly limits: LeaderLimits
  readonly clock: Clock
  /** the time of the world, which others wrote into objects */
  readonly now: () => Date
  /** takes what is wrong with a duty now, in the place of what was before */
  readonly alarm: (duty: string, reasons: readonly Reason[]) => void
  readonly reportWatch: (kind: string) => (problem: ListWatchProblem) => void
}

export interface LeaderLimits {
  readonly turns: TurnLimits
  /** the minute of the budgets of evictions and events */
  readonly minuteMs: number
  readonly election: Partial<ElectionLimits>
  readonly watch: Partial<ListWatchLimits>
}

/** Where the agent's DaemonSet is. */
export function agentNamespace({ agentNamespace: own, sluiceNamespace }: Installation): string {
  return own === '' ? sluiceNamespace : own
}
