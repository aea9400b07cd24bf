import type { ReasonRow } from './reason-row.ts'

/** Reasons of the node's agent about itself and about what it was asked. */
export const NODE_REASONS = {
  backend_absent: {
    level: 'refuse',
    says: (p: { why: string }) => `no backend can make rules on this node: ${p.why}`,
    fix: 'load the named kernel module on the node, or choose another --backend; where a capability is lacking, give the container those of the chart, and where a profile or type is named, one that lets it work (cni.appArmorProfile, cni.seLinuxOptions)',
  },
  backend_bypassed: {
    level: 'refuse',
    says: (p: { why: string }) => `rules are made on this node, but traffic does not follow them: ${p.why}`,
    fix: 'choose another --backend; where none helps, run the image as it ships, and look at what else handles packets in the kernel of the node',
  },
  backend_unproven: {
    level: 'refuse',
    says: (p: { why: string }) =>
      `rules are made on this node, but whether traffic follows them cannot be measured: ${p.why}`,
    fix: "give the agent's container the capabilities that the chart gives it, and where a profile or type is named, one that lets it work (cni.appArmorProfile, cni.seLinuxOptions); an agent that cannot measure promises nothing",
  },
  rules_not_made: {
    level: 'refuse',
    says: (p: { error: string }) => `the rules could not be made in the pod's network namespace: ${p.error}`,
    fix: 'load the kernel module that the message names on the node; the kubelet tries again by itself',
  },
  pods_unknown: {
    level: 'alarm',
    says: (p: { seconds: number }) =>
      `what the agent knows of this node's pods is ${Number.isFinite(p.seconds) ? `${p.seconds} s old` : 'nothing yet'}`,
    fix: 'see whether the API server answers and lets this account list and watch pods and namespaces; meanwhile the agent uses what it knew and what the webhook wrote on the pods',
  },
  journal_unwritten: {
    level: 'alarm',
    says: (p: { problem: string }) => `the agent's journal cannot be written: ${p.problem}`,
    fix: 'free space on the file system of the run directory; pods start meanwhile, and the sweep finds them without the journal',
  },
  descriptors_few: {
    level: 'alarm',
    says: (p: { limit: number; needed: number; pods: number }) =>
      `this agent may open ${p.limit} files and needs up to ${p.needed} for the ${p.pods} pods of a node like this one`,
    fix: "raise the limit of open files that the node's container runtime gives (LimitNOFILE of its service, or its default ulimits), then restart the agent's pod",
  },
  pod_ended_unredirected: {
    level: 'alarm',
    says: () => 'the pod ended because nothing was redirected, and with restartPolicy Never it is not started again',
    fix: 'replace the pod: a Job does so by itself, within its backoffLimit; any other must be deleted by hand',
  },
  pod_not_redirected: {
    level: 'alarm',
    says: (p: { pod: string; mode: string; verdict: string; why: string }) =>
      `pod ${p.pod} was promised mode ${p.mode} but is ${p.verdict}: ${p.why}`,
    fix: 'restart the pod; sluice status -A shows all of them, docs/alerts.md what to look at',
  },
  pod_unproven: {
    level: 'alarm',
    says: (p: { pod: string; mode: string; minutes: number; why: string }) =>
      `for ${p.minutes} minutes it has not been known whether pod ${p.pod} (mode ${p.mode}) is redirected: ${p.why}`,
    fix: 'see whether the agent can find and enter the namespace of the pod: its log says what it tried',
  },
  node_redirects: {
    level: 'meshed',
    says: () => "the rules are made in the pod's network namespace",
    fix: null,
  },
  node_found_right: {
    level: 'meshed',
    says: () => "the rules in the pod's network namespace were right already, so nothing was written",
    fix: null,
  },
  node_enrols: {
    level: 'meshed',
    says: () => "the node's ztunnel serves the pod",
    fix: null,
  },
  pod_from_file: {
    level: 'skip',
    says: () => 'the kubelet made the pod from a file, so that no webhook ever saw it',
    fix: null,
  },
  promise_absent: {
    level: 'skip',
    says: () => 'nothing on the pod promises redirection, and the API server cannot be reached',
    fix: null,
  },
  sandbox_gone: {
    level: 'skip',
    says: () => 'the sandbox of the pod is gone',
    fix: null,
  },
  agent_away: {
    level: 'refuse',
    says: () => "the pod was promised redirection, and Sluice's agent on this node does not answer",
    fix: "see whether the agent's pod on this node is Ready, and its log; the kubelet tries again by itself",
  },
  pod_not_known_yet: {
    level: 'refuse',
    says: () => "this node's agent does not know the pod yet",
    fix: 'nothing: the kubelet tries again by itself; if that persists, see whether the agent reaches the API server',
  },
  plugin_socket_lost: {
    level: 'alarm',
    says: (p: { problem: string }) => `the plugin does not reach this node's agent: ${p.problem}`,
    fix: 'see what removes or takes the file that --plugin-socket names; the agent puts it back, unless another process owns the file or it is not a socket; meanwhile pods of the mesh do not start',
  },
  agent_busy: {
    level: 'refuse',
    says: (p: { waiting: number }) => `${p.waiting} pods are already waiting for this node's agent`,
    fix: 'nothing: the kubelet tries again by itself; if that persists, see what the log of the agent says',
  },
  agent_stopping: {
    level: 'refuse',
    says: () => "this node's agent is stopping",
    fix: 'nothing: the kubelet tries again by itself, and the next agent answers',
  },
  caller_gave_up: {
    level: 'refuse',
    says: () => 'the runtime gave up before the pod was redirected, and what was done for it has been undone',
    fix: 'see why the agent is slow: sluice_cni_duration_seconds, and the log',
  },
  request_unreadable: {
    level: 'refuse',
    says: (p: { problem: string }) => `the request of the plugin cannot be read: ${p.problem}`,
    fix: 'run a plugin and an agent of versions that go together: restart the agent, which installs its own plugin',
  },
  intent_absent: {
    level: 'refuse',
    says: (p: { mode: string }) => `the pod was decided to be ${p.mode}, but nothing on it says what to redirect`,
    fix: 'create the pod again, so that the webhook decides it anew',
  },
  netns_refused: {
    level: 'refuse',
    says: (p: { path: string; problem: string }) =>
      `the network namespace ${p.path} is not that of the pod: ${p.problem}`,
    fix: 'see whether --netns-dir and --proc name the folders of the node, and what the runtime calls the plugin with',
  },
  ambient_absent: {
    level: 'refuse',
    says: () => 'the pod is for ambient, and the agent on this node does not do ambient',
    fix: 'switch ambient on for the agents, or let the pod run on another node',
  },
} as const satisfies Record<string, ReasonRow>
