import type { ReasonRow } from './reason-row.ts'

/** Reasons of pods that join, keep to and leave ambient on their node (cni.md §5). */
export const AMBIENT_REASONS = {
  sidecar_in_pod: {
    level: 'skip',
    says: () => 'the pod has a sidecar, which takes its traffic',
    fix: null,
  },
  ambient_not_asked: {
    level: 'skip',
    says: () => "neither the pod's labels nor its namespace's ask for ambient",
    fix: null,
  },
  pod_finished: {
    level: 'skip',
    says: () => 'the pod has finished, and its address may be given to another',
    fix: null,
  },
  netns_not_found: {
    level: 'alarm',
    says: (p: { why: string }) => `the network namespace of a pod that runs is not found: ${p.why}`,
    fix: "the agent needs the node's /proc and the right to look at its processes (SYS_PTRACE); it keeps looking, and restarting the pod gives it a namespace that is known from the start",
  },
  kubelet_not_found: {
    level: 'alarm',
    says: (p: { proc: string }) =>
      `no process in ${p.proc} is the kubelet, so its probes cannot be told from other traffic`,
    fix: "mount the node's /proc and name it by --proc",
  },
  probe_path_not_made: {
    level: 'alarm',
    says: (p: { error: string }) => `the way of the kubelet's probes cannot be made on the node: ${p.error}`,
    fix: 'the node needs nf_tables with NAT (kernel modules nf_tables, nft_chain_nat, nft_ct), and the agent NET_ADMIN in its network',
  },
} as const satisfies Record<string, ReasonRow>
