import type { ReasonRow } from './reason-row.ts'

/** What the leader cannot or must not do, and what it did to pods. */
export const LEADER_REASONS = {
  agent_disbelieved: {
    level: 'alarm',
    says: (p: { pod: string; node: string; why: string }) =>
      `the pod ${p.pod} on node ${p.node} carries the label of the agent, but its status is not trusted: ${p.why}`,
    fix: 'delete the pod if it is not one of yours, and see who may create pods in the namespace of the agent',
  },
  taint_withheld: {
    level: 'alarm',
    says: (p: { nodes: number; share: number }) =>
      `${p.nodes} nodes cannot redirect but do not get the taint: more than the share ${p.share} of all nodes would have it`,
    fix: 'see why so many agents are not ready (kubectl get pods -l app.kubernetes.io/name=sluice-agent -A); policy.taint.maxShare sets the bound',
  },
  eviction_refused: {
    level: 'alarm',
    says: (p: { pod: string; node: string; asked: string; why: string }) =>
      `the agent of node ${p.node} asks for the eviction of ${p.pod} (${p.asked}), which is refused: ${p.why}`,
    fix: 'the pod runs without the redirection it was promised: look at its condition sluice-mesh.io/redirected, and delete it if it may go',
  },
  pod_evicted: {
    level: 'warn',
    says: (p: { node: string; asked: string }) =>
      `the pod was evicted, since the agent of node ${p.node} could not give it the redirection it was promised: ${p.asked}`,
    fix: 'its controller has created another one; if this happens often, see why pods on that node start before its agent',
  },
  ca_bundle_untrusted: {
    level: 'alarm',
    says: (p: { configuration: string; entries: string }) =>
      `the caBundle of the ${p.configuration} does not trust the certificate that is served: ${p.entries}`,
    fix: 'the API server cannot call the webhook there: see who else writes caBundle (kubectl get -o yaml --show-managed-fields)',
  },
  ca_bundle_owned_by_another: {
    level: 'alarm',
    says: (p: { configuration: string; problem: string }) =>
      `somebody else owns the caBundle of the ${p.configuration}, so it is left alone: ${p.problem}`,
    fix: 'take caBundle out of what they apply; or let them make the certificate, too (--tls-cert-file)',
  },
} as const satisfies Record<string, ReasonRow>
