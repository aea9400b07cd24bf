import type { ReasonRow } from './reason-row.ts'

/** Reasons of the policies that the API server enforces by itself: guard, seal and fence (docs/security.md). */
export const BOUNDARY_REASONS = {
  guard_no_evidence: {
    level: 'refuse',
    says: () =>
      'labels of the pod or its namespace ask for the mesh, but nothing in the pod shows that it was put there: the webhook did not answer, or another one behind it took the sidecar out',
    fix: 'see why sluice-webhook does not answer or, where its log says that it injected the pod, which other webhook changes pods; and create the pod again (a controller does so by itself); to run it outside the mesh, label it sidecar.istio.io/inject=false or sluice-mesh.io/mode=none',
  },
  guard_unconfigured: {
    level: 'refuse',
    says: (p: { key: string }) =>
      `it is not known whether the pod may stay out of the mesh: the policy's ConfigMap lacks the keys that begin with ${p.key}`,
    fix: 'see whether a replica of sluice-webhook runs and is the leader, which writes them',
  },
  guard_keys_differ: {
    level: 'alarm',
    says: (p: { keys: string }) =>
      `the guard follows another policy than the webhook: these keys of the policy's ConfigMap differ from the policy and from istiod's injector settings: ${p.keys}`,
    fix: 'nothing if it ends within a minute; otherwise see whether a replica is the leader, and what its log says about writing these keys',
  },
  answer_sealed: {
    level: 'refuse',
    says: (p: { names: string }) => `${p.names} cannot be added, changed or removed once the pod exists`,
    fix: 'create the pod again with other labels; the webhook then writes its answer anew',
  },
  condition_sealed: {
    level: 'refuse',
    says: (p: { types: string }) =>
      `the conditions ${p.types} are written by the agent on the node of the pod, and by nobody else`,
    fix: 'leave them out of the status',
  },
  redirection_sealed: {
    level: 'refuse',
    says: (p: { name: string }) =>
      `the annotation ${p.name} is written by the agent on the node of the pod, and by nobody else`,
    fix: 'leave the annotation as it is; to take the pod out of ambient, label it istio.io/dataplane-mode=none',
  },
  fence_no_node: {
    level: 'refuse',
    says: () => 'the token of the agent does not say on which node it runs',
    fix: 'use a token that is bound to a pod or a node; Kubernetes 1.30 and later put the name of the node into it',
  },
  fence_other_node: {
    level: 'refuse',
    says: () => 'an agent may write only on pods of its own node',
    fix: 'if no agent was moved or renamed, treat the node that the audit log names as stolen: drain it and delete its pods',
  },
  fence_not_listed: {
    level: 'refuse',
    says: (p: { annotation: string; conditions: string }) =>
      `of a pod, an agent may change the annotation ${p.annotation} and the conditions ${p.conditions}, and nothing else`,
    fix: 'bring the agents to the version of these policies; if they are, treat the node that the audit log names as stolen',
  },
} as const satisfies Record<string, ReasonRow>
