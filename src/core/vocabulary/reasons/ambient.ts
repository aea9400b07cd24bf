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
  ambient_not_left: {
    level: 'alarm',
    says: () => 'the rules of a pod that leaves ambient were taken away, and its traffic still comes to ztunnel',
    fix: 'see what else makes rules in the pod; it is tried again, and restarting the pod gives it a namespace without rules',
  },
  ambient_too_late: {
    level: 'alarm',
    says: () => 'the pod could not be brought into ambient within the time that its start may take',
    fix: 'see the ztunnel of the node and its log; the kubelet tries again by itself',
  },
  ambient_bypassed: {
    level: 'alarm',
    says: (p: { why: string }) => `a pod is in ambient and its traffic does not all come to ztunnel: ${p.why}`,
    fix: 'the log names the pod; its rules are made again until it is measured good; see what else makes rules in it, and whether ztunnel listens there',
  },
  ambient_step_failed: {
    level: 'alarm',
    says: (p: { error: string }) => `what was to be done about an ambient pod could not be done: ${p.error}`,
    fix: 'the log names the pod; it is tried again; where it lasts, report it with the log of the agent',
  },
  ambient_starting: {
    level: 'refuse',
    says: () => "this node's agent does not know its pods yet, so that ztunnel cannot be told of them",
    fix: 'nothing: the kubelet tries again by itself; where that lasts, see whether the agent reaches the API server',
  },
  ambient_ready: {
    level: 'meshed',
    says: () => 'probes have their way on this node, and ztunnel is connected',
    fix: null,
  },
  ztunnel_socket_unusable: {
    level: 'alarm',
    says: (p: { error: string }) => `ztunnel's socket cannot be opened: ${p.error}`,
    fix: 'see whether its directory is there and can be written by the agent, and whether --ztunnel-socket names a file that can be a socket',
  },
  kubelet_not_found: {
    level: 'alarm',
    says: (p: { proc: string }) =>
      `no process in ${p.proc} is the kubelet, so its probes cannot be told from other traffic`,
    fix: "mount the node's /proc and name it by --proc",
  },
  probe_path_blocked: {
    level: 'alarm',
    says: (p: { family: number; saw: string; source: string }) =>
      `a probe as the kubelet's user over IPv${p.family} should come to a pod from ${p.source}, and the pod saw ${p.saw}`,
    fix: 'see which rules of the node translate or drop it: nft list ruleset, iptables-save -t nat; docs/ambient.md has the settings of networks that do; no running pod is brought in until it comes through',
  },
  probe_path_untold: {
    level: 'warn',
    says: (p: { why: string }) =>
      `whether the kubelet's probes come to ambient pods could not be tried on this node: ${p.why}`,
    fix: 'watch the readiness of the first ambient pod there; docs/ambient.md says what else keeps probes away',
  },
  probe_path_risk: {
    level: 'warn',
    says: (p: { network: string; setting: string }) =>
      `${p.network} may keep the kubelet's probes from ambient pods unless it is set so: ${p.setting}`,
    fix: 'check the setting that is named; the readiness of an ambient pod with a probe shows it',
  },
  probe_path_not_made: {
    level: 'alarm',
    says: (p: { error: string }) => `the way of the kubelet's probes cannot be made on the node: ${p.error}`,
    fix: 'the node needs nf_tables with NAT (kernel modules nf_tables, nft_chain_nat, nft_ct), and the agent NET_ADMIN in its network',
  },
} as const satisfies Record<string, ReasonRow>
