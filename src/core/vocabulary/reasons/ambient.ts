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
    says: (p: { why: string }) => `the network namespace of a running pod cannot be found: ${p.why}`,
    fix: "the agent needs the node's /proc and the right to look at its processes (SYS_PTRACE); it keeps looking, and restarting the pod gives it a namespace that is known from the start",
  },
  ambient_not_left: {
    level: 'alarm',
    says: () => 'the rules of a pod that leaves ambient were removed, but its traffic still reaches ztunnel',
    fix: 'see what else makes rules in the pod; the agent tries again, and a restart gives the pod a namespace without rules',
  },
  ambient_stranded: {
    level: 'alarm',
    says: (p: { pods: number; first: string }) =>
      `${p.pods === 1 ? `the pod ${p.first} is` : `${p.pods} pods of this node, ${p.first} among them, are`} still in ambient, but the agent runs with --ambient false and no other agent serves ztunnel: when ztunnel restarts, their traffic leads nowhere`,
    fix: 'start the agent with --ambient true again, or let another agent serve ztunnel; to end ambient on the node, first take its pods out by their labels while an agent still does ambient, or restart them',
  },
  ambient_too_late: {
    level: 'alarm',
    says: () => 'the pod could not be brought into ambient within the time limit of its start',
    fix: 'see the ztunnel of the node and its log; the kubelet tries again by itself',
  },
  ambient_bypassed: {
    level: 'alarm',
    says: (p: { why: string }) => `a pod is in ambient, but not all of its traffic reaches ztunnel: ${p.why}`,
    fix: 'the log names the pod; its rules are made again until a measurement passes; see what else makes rules in it, and whether ztunnel listens there',
  },
  ambient_step_failed: {
    level: 'alarm',
    says: (p: { error: string }) => `a step for an ambient pod failed: ${p.error}`,
    fix: 'the log names the pod, and the agent tries again; if it persists, report it with the log of the agent',
  },
  ambient_starting: {
    level: 'refuse',
    says: () => "this node's agent does not know the pods of the node yet, so it cannot tell ztunnel about them",
    fix: 'nothing: the kubelet tries again by itself; if that persists, see whether the agent reaches the API server',
  },
  ambient_ready: {
    level: 'meshed',
    says: () => "the kubelet's probes get through on this node, and ztunnel is connected",
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
      `a probe as the kubelet's user over IPv${p.family} should reach a pod from ${p.source}, but the pod saw ${p.saw}`,
    fix: 'see which rules of the node translate or drop it: nft list ruleset, iptables-save -t nat; docs/ambient.md lists network plugins that do so and their settings; no running pod is brought in until a probe gets through',
  },
  probe_path_untold: {
    level: 'warn',
    says: (p: { why: string }) =>
      `it could not be tested on this node whether the kubelet's probes reach ambient pods: ${p.why}`,
    fix: 'watch the readiness of the first ambient pod there; docs/ambient.md says what else keeps probes away',
  },
  probe_path_risk: {
    level: 'warn',
    says: (p: { network: string; setting: string }) =>
      `${p.network} may keep the kubelet's probes from ambient pods without this setting: ${p.setting}`,
    fix: 'check the setting that is named; the readiness of an ambient pod with a probe shows it',
  },
  probe_path_not_made: {
    level: 'alarm',
    says: (p: { error: string }) => `the rules for the kubelet's probes cannot be made on the node: ${p.error}`,
    fix: 'the node needs nf_tables with NAT (kernel modules nf_tables, nft_chain_nat, nft_ct), and the agent NET_ADMIN in its network',
  },
} as const satisfies Record<string, ReasonRow>
