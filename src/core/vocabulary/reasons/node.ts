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
} as const satisfies Record<string, ReasonRow>
