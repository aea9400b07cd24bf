import type { ReasonRow } from './reason-row.ts'

/** Alarms about what the webhook knows of the cluster and does to it. None of them makes a replica unready. */
export const CLUSTER_REASONS = {
  facts_stale: {
    level: 'alarm',
    says: (p: { seconds: number; maxSeconds: number }) =>
      `the oldest fact about the cluster is ${p.seconds} s old, more than the ${p.maxSeconds} s of maxStale`,
    fix: 'the log names the watch that fails: see whether the API server answers and lets this account list and watch; until then NET_ADMIN is not granted',
  },
  configuration_unusable: {
    level: 'alarm',
    says: (p: { configuration: string; problem: string }) =>
      `the newest version of the ${p.configuration} settings cannot be used, and the last good one stays: ${p.problem}`,
    fix: 'correct the field that is named; a replica that starts now has no settings at all',
  },
  configuration_missing: {
    level: 'alarm',
    says: (p: { problem: string }) => `there are no settings to base decisions on: ${p.problem}`,
    fix: 'create or correct the ConfigMap that is named; until then every request is left to the failurePolicy',
  },
  template_unusable: {
    level: 'alarm',
    says: (p: { template: string; line: number; column: number; problem: string }) =>
      `the injection template ${JSON.stringify(p.template)} of the settings cannot be used, and refuses each pod that asks for it: line ${p.line}, column ${p.column}: ${p.problem}`,
    fix: 'rewrite the template at the place that is named; docs/templates.md says what templates may hold',
  },
} as const satisfies Record<string, ReasonRow>
