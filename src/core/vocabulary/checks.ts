/** What `sluice check` looks at, in its order; a name is public API: scripts and documentation point at it. */
export interface CheckRow {
  readonly group: 'kubernetes' | 'network' | 'nodes' | 'mesh' | 'webhook' | 'boundary' | 'agents'
  /** `before`: only before the installation (`--pre`); `after`: only when Sluice is there; `always`: both */
  readonly stage: 'before' | 'always' | 'after'
  /** what is so when all is well */
  readonly title: string
  readonly why: string
  readonly fix: string
}

export const CHECKS = {
  'kubernetes-version': {
    group: 'kubernetes',
    stage: 'always',
    title: 'the API server is Kubernetes 1.30 or newer',
    why: 'the policies of the boundary and native sidecars need it',
    fix: 'upgrade the control plane first',
  },
  'kubernetes-policies': {
    group: 'kubernetes',
    stage: 'always',
    title: 'the API server serves ValidatingAdmissionPolicy v1',
    why: 'guard, seal and fence are such policies: the boundary that needs no server to be up',
    fix: 'do not switch admissionregistration.k8s.io/v1 off by --runtime-config',
  },
  'install-rights': {
    group: 'kubernetes',
    stage: 'before',
    title: 'you may create what the installation creates',
    why: 'an installation that stops half-way leaves a webhook without a server, or a server without a boundary',
    fix: 'install as somebody with the rights that are named',
  },
  'read-rights': {
    group: 'kubernetes',
    stage: 'always',
    title: 'you may read what this check reads',
    why: 'what cannot be read counts as unknown, never as fine',
    fix: 'ask for the rights that are named; check, explain, audit and plan only read',
  },
  'own-pods-admitted': {
    group: 'kubernetes',
    stage: 'always',
    title: "the API server admits the webhook's and the agent's pod, as both created as a dry run show",
    why: 'the agent works on the node, which Pod Security baseline and restricted refuse, and other policies may refuse either; a controller whose pods are refused only says so in its events',
    fix: 'label the namespace pod-security.kubernetes.io/enforce=privileged (restricted is enough for the webhook, where cni.namespace puts the agent elsewhere), or exempt the namespace from the policy that is named',
  },
  'istio-namespace': {
    group: 'mesh',
    stage: 'before',
    title: "istiod's namespace is there",
    why: 'the Role by which the webhook reads the settings lives in it; without the namespace an installation stops half-way',
    fix: "install istiod first; the chart's istioNamespace and --istio-namespace say where it is",
  },
  'mesh-settings': {
    group: 'mesh',
    stage: 'always',
    title: "istiod's settings are there and can be used",
    why: 'injection follows the same two ConfigMaps as istiod',
    fix: 'correct the field that is named; --istio-namespace and --revision say where the settings are',
  },
  'sluice-policy': {
    group: 'mesh',
    stage: 'always',
    title: "Sluice's policy can be used, or there is none",
    why: 'a policy that cannot be used leaves the last good one in place, and a new replica without any',
    fix: 'correct the field that is named, see docs/policy.md',
  },
  'other-injectors': {
    group: 'mesh',
    stage: 'always',
    title: 'no other injector is asked about the pods that Sluice is asked about',
    why: 'two injectors on one pod end in two sidecars or in the settings of the wrong revision',
    fix: 'move namespaces by their labels, so that one injector matches each',
  },
  'other-agents': {
    group: 'network',
    stage: 'always',
    title: 'no other agent redirects on the nodes',
    why: "istio-cni and Sluice's agent can be chained while a cluster moves, but only one may speak to ztunnel",
    fix: 'this is intended while a cluster migrates, see docs/migration.md: node by node, and istio-cni is removed at the end',
  },
  'cilium-exclusive': {
    group: 'network',
    stage: 'always',
    title: "Cilium leaves other plugins' files alone, or is not there",
    why: 'with cni.exclusive=true Cilium renames every CNI configuration but its own, and the plugin vanishes',
    fix: "set cni.exclusive=false in Cilium's values (cni-exclusive in cilium-config)",
  },
  'cilium-socket-lb': {
    group: 'network',
    stage: 'always',
    title: 'Cilium balances sockets outside of pods only, or is not there',
    why: 'a socket that is translated inside the pod carries no service address, and the sidecar passes it by',
    fix: "set socketLB.hostNamespaceOnly=true in Cilium's values (bpf-lb-sock-hostns-only in cilium-config)",
  },
  'cilium-masquerade': {
    group: 'network',
    stage: 'always',
    title: "Cilium lets the kubelet's probes of ambient pods through, or is not there",
    why: 'BPF masquerading drops the link-local address that probes of ambient pods come from',
    fix: "set bpf.masquerade=false in Cilium's values (enable-bpf-masquerade in cilium-config)",
  },
  'node-kernel': {
    group: 'nodes',
    stage: 'always',
    title: 'the kernel of every Linux node is 5.2 or newer',
    why: 'rules by nftables and the way of probes need it; a distribution may have put both into an older one, which is not tested',
    fix: 'upgrade the nodes that are named; until then their agents measure what works, and a node that cannot gets no label',
  },
  'node-runtime': {
    group: 'nodes',
    stage: 'always',
    title: "every Linux node's runtime gives plugins the annotations of pods: containerd 1.6.20, CRI-O 1.29, or newer",
    why: 'they hold what the webhook promised the pod; without them the agent waits for its own watch, and no pod of the mesh starts while the API server is away',
    fix: 'upgrade the runtime of the nodes that are named',
  },
  'node-platform': {
    group: 'nodes',
    stage: 'before',
    title: 'the nodes are of no platform for which a value of the chart must be set',
    why: 'directories, SELinux and what a node allows differ by platform; each is recognised by its versions, labels and name',
    fix: 'set the named values, see docs/install.md#by-platform; if they are set already, there is nothing to do',
  },
  'webhook-registered': {
    group: 'webhook',
    stage: 'after',
    title: 'the API server has a webhook configuration of this revision',
    why: 'without one no pod is asked about',
    fix: 'apply the manifests, or the chart',
  },
  'webhook-conditions': {
    group: 'webhook',
    stage: 'after',
    title: 'nobody added conditions to the webhook configuration',
    why: 'some platforms add conditions that keep whole namespaces out of the mesh by labels that nobody expects',
    fix: 'take the condition out, switch the enforcer off for this object, or keep such labels off meshed namespaces',
  },
  'webhook-ca-bundle': {
    group: 'webhook',
    stage: 'after',
    title: 'every entry carries a CA that is valid for two more weeks',
    why: 'the API server does not call a webhook that it cannot verify, and mutation fails open',
    fix: "see the leader's log, or cert-manager's ca-injector where that writes the bundle",
  },
  'webhook-replicas': {
    group: 'webhook',
    stage: 'after',
    title: 'at least two replicas of the webhook are ready',
    why: 'with one, every restart is a gap in which pods are not meshed',
    fix: 'see why they are not ready: kubectl get pods, and /readyz?verbose of the replica',
  },
  'webhook-answers': {
    group: 'webhook',
    stage: 'after',
    title: 'the webhook answers the API server, as a pod that is created as a dry run shows',
    why: "no object's status shows that a firewall, a proxy or a certificate blocks the way",
    fix: 'open the way from the control plane to port 15017 of the webhook pods, and see webhook-ca-bundle',
  },
  'own-namespace': {
    group: 'webhook',
    stage: 'after',
    title: "Sluice's own namespace is not meshed",
    why: 'a webhook that waits for a mesh that waits for the webhook never starts',
    fix: 'take the labels that are named off the namespace',
  },
  'boundary-policies': {
    group: 'boundary',
    stage: 'after',
    title: 'guard, seal and fence are in place and bound',
    why: 'the webhook fails open: what must not run outside the mesh is refused by the guard alone',
    fix: 'apply manifests/sluice.yaml, or the chart with the values boundary.guard, seal and fence on',
  },
  'agent-installed': {
    group: 'agents',
    stage: 'after',
    title: 'an agent is ready on every node that its DaemonSet wants',
    why: 'a node without an agent can only do init, which needs NET_ADMIN in the pod',
    fix: 'look at the named pods with kubectl describe and at their logs; /readyz?verbose of a running agent says what it measured (docs/troubleshooting.md)',
  },
  'agent-conditions': {
    group: 'agents',
    stage: 'after',
    title: 'every agent says that its node can do ambient, or there is no ztunnel',
    why: "the agent tested it: rules in a scratch namespace, the path of the kubelet's probes, ztunnel's answer",
    fix: 'see the reason code in docs/reasons.md',
  },
  'node-coverage': {
    group: 'agents',
    stage: 'after',
    title: 'every schedulable Linux node can do cni',
    why: 'decisions rest on the nodes that may get a pod; a gap means init, or a refusal',
    fix: 'see the agents of the nodes that are named; a node keeps its label for coverageGrace',
  },
  'agent-pod-security': {
    group: 'agents',
    stage: 'after',
    title: "the agent's namespace lets the agent in",
    why: 'the agent works on the node, which Pod Security baseline and restricted refuse',
    fix: 'label the namespace pod-security.kubernetes.io/enforce=privileged',
  },
} as const satisfies Record<string, CheckRow>
export type CheckId = keyof typeof CHECKS

/** Where the page about a check is. */
export function checkAnchor(id: CheckId): string {
  return `docs/checks.md#${id}`
}
