import type { ReasonRow } from './reason-row.ts'

/** Reasons of the node's agent about itself and about what it was asked. */
export const NODE_REASONS = {
  backend_absent: {
    level: 'refuse',
    says: (p: { why: string }) => `this node has no way to make rules: ${p.why}`,
    fix: 'load the kernel module that is named on the node, or choose another --backend',
  },
  rules_not_made: {
    level: 'refuse',
    says: (p: { error: string }) => `the rules could not be made in the pod's network namespace: ${p.error}`,
    fix: 'load the kernel module that the message names on the node; the kubelet tries again by itself',
  },
  pods_unknown: {
    level: 'alarm',
    says: (p: { seconds: number }) =>
      `what is known of this node's pods is ${Number.isFinite(p.seconds) ? `${p.seconds} s old` : 'nothing yet'}`,
    fix: 'see whether the API server answers and lets this account list and watch pods and namespaces; meanwhile the agent goes by what it knew and by what the webhook wrote on the pods',
  },
  journal_unwritten: {
    level: 'alarm',
    says: (p: { problem: string }) => `the agent's journal cannot be written: ${p.problem}`,
    fix: 'free space on the file system of the run directory; pods start meanwhile, and the sweep finds them without the journal',
  },
  pod_ended_unredirected: {
    level: 'alarm',
    says: () => 'the pod ended because nothing was redirected, and its restartPolicy Never lets nothing try again',
    fix: 'delete the pod; where a Job owns it, the leader does so, if the policy lets it',
  },
  pod_not_redirected: {
    level: 'alarm',
    says: (p: { pod: string; mode: string; verdict: string; why: string }) =>
      `pod ${p.pod} was promised mode ${p.mode} and is ${p.verdict}: ${p.why}`,
    fix: 'restart the pod; sluice status -A shows all of them, docs/alerts.md what to look at',
  },
  pod_unproven: {
    level: 'alarm',
    says: (p: { pod: string; mode: string; minutes: number; why: string }) =>
      `whether pod ${p.pod} (mode ${p.mode}) is redirected has not been known for ${p.minutes} minutes: ${p.why}`,
    fix: 'see whether the agent can find and enter the namespace of the pod: its log says what it tried',
  },
} as const satisfies Record<string, ReasonRow>
