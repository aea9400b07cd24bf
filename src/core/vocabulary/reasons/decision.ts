import type { ReasonRow } from './reason-row.ts'

const SKIP = {
  host_network: {
    level: 'skip',
    says: () => 'the pod uses the network of its node, which no mesh can redirect',
    fix: null,
  },
  ignored_namespace: {
    level: 'skip',
    says: (p: { namespace: string }) =>
      `the namespace ${p.namespace} belongs to the cluster itself and is never meshed`,
    fix: null,
  },
  os_unsupported: {
    level: 'skip',
    says: (p: { os: string }) => `the pod is for ${p.os}, and traffic is redirected on Linux only`,
    fix: null,
  },
  mirror_pod: {
    level: 'skip',
    says: () => 'the kubelet made the pod from a file on its node, and what the API server holds is only its mirror',
    fix: null,
  },
  label_false: {
    level: 'skip',
    says: () => 'the pod opts out by its label sidecar.istio.io/inject=false',
    fix: null,
  },
  annotation_false: {
    level: 'skip',
    says: () => 'the pod opts out by its annotation sidecar.istio.io/inject=false',
    fix: null,
  },
  never_selector: {
    level: 'skip',
    says: (p: { index: number }) =>
      `the pod's labels match neverInjectSelector[${p.index}] of the injector's configuration, and nothing on the pod asks for the mesh`,
    fix: 'to mesh it all the same, label the pod sidecar.istio.io/inject=true',
  },
  policy_disabled: {
    level: 'skip',
    says: () => "the injector's configuration says policy: disabled, and nothing on the pod asks for the mesh",
    fix: 'to mesh it all the same, label the pod sidecar.istio.io/inject=true',
  },
  policy_invalid: {
    level: 'alarm',
    says: (p: { policy: string }) =>
      `the injector's configuration says policy: ${p.policy}, which is neither enabled nor disabled, so no sidecar is injected`,
    fix: "set policy (chart value global.proxy.autoInject) of istiod's injector ConfigMap to enabled or disabled",
  },
  labels_out: {
    level: 'skip',
    says: (p: { label: string }) => `${p.label} keeps the pod out of the mesh`,
    fix: null,
  },
  wish_none: {
    level: 'skip',
    says: (p: { place: string }) => `${p.place} asks for no mesh`,
    fix: null,
  },
} as const satisfies Record<string, ReasonRow>

const MESHED = {
  ambient_first: {
    level: 'meshed',
    says: (p: { by: string }) => `the node redirects the traffic, without a sidecar (ambient by ${p.by})`,
    fix: null,
  },
  cni_first: {
    level: 'meshed',
    says: (p: { by: string }) => `the node agent redirects the traffic (sidecar by ${p.by})`,
    fix: null,
  },
  init_last_resort: {
    level: 'meshed',
    says: (p: { by: string }) => `no mode with less privilege is possible for the pod (sidecar by ${p.by})`,
    fix: 'see the rejected modes for what would remove it',
  },
  wish_granted: {
    level: 'meshed',
    says: (p: { place: string; mode: string }) => `${p.place} asks for ${p.mode}, which is allowed and possible`,
    fix: null,
  },
} as const satisfies Record<string, ReasonRow>

const REJECT = {
  wish_otherwise: {
    level: 'reject',
    says: (p: { place: string; wish: string }) => `${p.place} asks for ${p.wish}`,
    fix: null,
  },
  family_by_labels: {
    level: 'reject',
    says: (p: { family: string; label: string }) => `${p.label} asks for the ${p.family} family`,
    fix: null,
  },
  family_by_need: {
    level: 'reject',
    says: (p: { need: string }) => `the pod asks for what only a sidecar does: ${p.need}`,
    fix: null,
  },
  family_by_policy: {
    level: 'reject',
    says: (p: { family: string }) => `the policy takes the ${p.family} family first for pods that ask for no family`,
    fix: null,
  },
  ambient_opt_out: {
    level: 'reject',
    says: (p: { label: string }) => `${p.label} keeps the pod out of ambient`,
    fix: null,
  },
  agent_absent: {
    level: 'reject',
    says: () => 'no Sluice agent is installed in the cluster',
    fix: 'install the agent (a DaemonSet of the chart)',
  },
  ztunnel_absent: {
    level: 'reject',
    says: () => 'no ztunnel is installed in the cluster',
    fix: "install Istio's ztunnel",
  },
  ambient_not_selected: {
    level: 'reject',
    says: () => "the selectors of the policy's ambientEnablement do not take the pod",
    fix: "give the pod or its namespace the labels that ambientEnablement asks for, or leave it empty for Istio's own",
  },
  nodes_not_covered: {
    level: 'reject',
    says: (p: { mode: string; covered: number; candidates: number; example: string }) =>
      `only ${p.covered} of the ${p.candidates} nodes that could run the pod support ${p.mode}; ${p.example} does not`,
    fix: "look at the agent's pod on that node; kubectl get nodes -L sluice-mesh.io/cni,sluice-mesh.io/ambient lists all nodes",
  },
  no_node_yet: {
    level: 'reject',
    says: () => 'no node fits the pod yet, and a node that joins later may run it before ambient is ready there',
    fix: "let nodes join with Sluice's taint and say bornTainted: true in the policy",
  },
  pod_security: {
    level: 'reject',
    says: (p: { mode: string; level: string; adds: string }) =>
      `Pod Security ${p.level} of the namespace forbids what ${p.mode} adds: ${p.adds}`,
    fix: 'ask for less (for init: run agents on the nodes, so that cni is possible), or lower the level of the namespace',
  },
  net_admin_denied: {
    level: 'reject',
    says: (p: { containers: string; rule: string }) =>
      `${p.rule} of the policy denies NET_ADMIN, which ${p.containers} would hold`,
    fix: 'run agents on the nodes, or allow NET_ADMIN for this namespace in the policy (netAdmin)',
  },
  net_admin_stale: {
    level: 'reject',
    says: (p: { ageSeconds: number; maxStaleSeconds: number }) =>
      `what is known of the nodes is ${p.ageSeconds} s old, and NET_ADMIN is never granted on facts older than ${p.maxStaleSeconds} s`,
    fix: 'see why the webhook cannot watch the API server; its log and metrics name the watch that stopped',
  },
} as const satisfies Record<string, ReasonRow>

const REFUSE = {
  no_mode_possible: {
    level: 'refuse',
    says: () => 'no mode is both allowed and possible for this pod',
    fix: 'remove one of the named obstacles, or say onImpossible: admit in the policy to run such pods outside the mesh',
  },
  wish_impossible: {
    level: 'refuse',
    says: (p: { place: string; mode: string }) =>
      `${p.place} asks for ${p.mode}, which is not possible, and a wish is never replaced by another mode`,
    fix: 'remove the named obstacle, or ask for auto',
  },
  wish_unknown: {
    level: 'refuse',
    says: (p: { place: string; allowed: string }) => `${p.place} is no mode; allowed are ${p.allowed}`,
    fix: 'correct the label',
  },
  opt_out_denied: {
    level: 'refuse',
    says: (p: { label: string; rule: string }) =>
      `${p.label} opts out of the mesh, which ${p.rule} of the policy denies here`,
    fix: 'remove the label, or allow opting out for this namespace in the policy (optOut)',
  },
} as const satisfies Record<string, ReasonRow>

const WARN = {
  admitted_unmeshed: {
    level: 'warn',
    says: () => 'no mode is both allowed and possible, and the policy lets such pods run outside the mesh',
    fix: 'remove one of the named obstacles',
  },
  wish_contradicts_labels: {
    level: 'warn',
    says: (p: { place: string; wish: string; label: string; winner: string }) =>
      `${p.place} asks for ${p.wish}, which contradicts ${p.label}; the policy says: ${p.winner}`,
    fix: 'remove one of the two',
  },
  family_crossed: {
    level: 'warn',
    says: (p: { from: string; to: string }) =>
      `the ${p.from} family is not possible, and the policy (crossFamily) lets the pod join by ${p.to}`,
    fix: 'remove the named obstacle',
  },
  inject_value_unknown: {
    level: 'warn',
    says: (p: { value: string }) =>
      `the pod says sidecar.istio.io/inject=${p.value}, which is neither true nor false and counts as not set`,
    fix: 'say true or false',
  },
  selector_invalid: {
    level: 'warn',
    says: (p: { field: string; problem: string }) =>
      `${p.field} of the injector's configuration is skipped: it ${p.problem}`,
    fix: "correct the selector in istiod's injector ConfigMap",
  },
  init_will_fail: {
    level: 'warn',
    says: (p: { problem: string }) =>
      `istio-init cannot do what the pod asks for, so the pod will not start: ${p.problem}`,
    fix: 'correct the annotation or setting that is named',
  },
  sidecar_settings_unused: {
    level: 'warn',
    says: (p: { need: string }) => `ambient ignores what the pod sets for a sidecar: ${p.need}`,
    fix: 'remove the settings, or ask for a sidecar',
  },
} as const satisfies Record<string, ReasonRow>

/** Reasons of eligibility and of the choice of a mode. */
export const DECISION_REASONS = {
  ...SKIP,
  ...MESHED,
  ...REJECT,
  ...REFUSE,
  ...WARN,
} as const satisfies Record<string, ReasonRow>
