import { alarm, ALARMS } from './alarm-groups.ts'

/** One alert of Prometheus and its runbook: the rule of the chart and a section of docs/alerts.md. */
export interface AlertRow {
  readonly expr: string
  /** how long it must hold */
  readonly lasts: string
  readonly severity: 'critical' | 'warning' | 'info'
  /** one line for whoever is woken; may name labels as `{{ $labels.node }}` */
  readonly summary: string
  readonly means: string
  /** commands and places to look at, first things first */
  readonly look: readonly string[]
  readonly act: readonly string[]
}

/** The name that the API server gives each entry of the webhook's configurations. */
const ENTRIES = String.raw`.+\\.sluice-mesh\\.io`

const WHICH = 'kubectl -n sluice-system get pods -o wide'
const AGENT_LOG = 'kubectl -n sluice-system logs --tail=200 POD_OF_THE_AGENT'
const WEBHOOK_LOG = 'kubectl -n sluice-system logs -l app.kubernetes.io/name=sluice-webhook --tail=200 --prefix'

/** Every alert, the worst first. Expressions name metrics of the tables, and the API server's own. */
export const ALERTS = {
  SluiceBypassMeasured: {
    expr: 'sum by (node, mode) (sluice_proofs{verdict=~"bypassing|partial"}) > 0',
    lasts: '2m',
    severity: 'critical',
    summary: 'pods of mode {{ $labels.mode }} on node {{ $labels.node }} run outside the mesh, as was measured',
    means:
      'A probe inside the network namespace of a pod showed traffic that does not go through the proxy. The pod was promised the mesh.',
    look: ['sluice status -A -o wide', 'kubectl -n NAMESPACE get events --field-selector involvedObject.name=POD'],
    act: [
      'The agent makes the rules again, and then asks for an eviction; wait for that where it is under way.',
      '`kubectl -n NAMESPACE delete pod POD`: a new sandbox is redirected before its first container starts.',
      'Where it comes back, other software changes rules in pods: [the message](troubleshooting.md#a-pod-is-outside-the-mesh) names the rule that is missing.',
    ],
  },
  SluiceWebhookDown: {
    expr: 'absent(sluice_certificate_not_after_seconds)',
    lasts: '5m',
    severity: 'critical',
    summary: 'no replica of the webhook was seen for 5 minutes',
    means:
      'No replica runs, or Prometheus cannot read any. While none runs, pods of meshed namespaces are refused by the guard (failurePolicy Ignore) or by the API server (Fail); all other pods start.',
    look: ['sluice check', 'kubectl -n sluice-system get pods -l app.kubernetes.io/name=sluice-webhook', WEBHOOK_LOG],
    act: [
      'Replicas that run and are not Ready [say why](troubleshooting.md#the-webhook-is-not-ready-or-does-not-answer).',
      'Replicas that are Pending want nodes without taints that they do not tolerate: [cold start](cold-start.md).',
      'To let pods in at once and outside the mesh: [switching it off](security.md#switching-it-off).',
    ],
  },
  SluiceFailOpen: {
    expr: `sum by (name) (increase(apiserver_admission_webhook_fail_open_count{name=~"${ENTRIES}"}[10m])) > 0`,
    lasts: '0m',
    severity: 'warning',
    summary: 'the API server let requests pass without the webhook ({{ $labels.name }})',
    means:
      'The API server did not get an answer in time and went on without (failurePolicy Ignore). What became of the pods is the word of the guard: those that should be meshed were refused.',
    look: [
      'sluice check',
      WEBHOOK_LOG,
      "kubectl get pods -A -l '!pod-template-hash' -o wide",
      'sluice explain --stale -A',
    ],
    act: [
      'Time-outs: see the network between control plane and webhook, [by platform](install.md#by-platform).',
      'Certificates: `sluice check` names `webhook-ca-bundle`.',
      'Where `boundary.guard` is off, restart the pods that `sluice explain --stale -A` lists.',
    ],
  },
  SluiceGuardDenials: {
    expr: 'sum by (policy) (increase(apiserver_validating_admission_policy_check_total{policy=~"sluice-guard.*",enforcement_action="deny"}[10m])) > 5',
    lasts: '5m',
    severity: 'warning',
    summary: 'the guard keeps refusing pods that the webhook did not see',
    means:
      'Pods that should be meshed reach the API server without evidence of it: the webhook is down, not asked, or somebody opts out where the policy denies it. The pods do not start.',
    look: ['sluice check', 'kubectl get events -A --field-selector reason=FailedCreate', 'sluice explain -A'],
    act: [
      'Webhook down or not asked: as [SluiceWebhookDown](#sluicewebhookdown); `sluice explain` says which selector leaves a pod out.',
      'The message is `guard_unconfigured`: the leader has not written its keys yet; see the leader’s log.',
      'An opt-out that is meant: allow it in [the policy](policy.md).',
    ],
  },
  SluicePodUnproven: {
    expr: `sum by (node) (${alarm('pod_unproven')}) > 0`,
    lasts: '1m',
    severity: 'warning',
    summary: 'nobody could measure for 5 minutes whether pods on node {{ $labels.node }} are redirected',
    means:
      'Unknown is no pass: the agent could not find or enter the namespace of the pod, or the probe gave no clear answer.',
    look: ['sluice status -A -o wide', AGENT_LOG],
    act: [
      'Follow the reason in the last column: [docs/reasons.md](reasons.md).',
      'A namespace that is not found after a reboot or a restart: the agent goes on looking; delete the pod to end it.',
      'Where no running pod of a node is found: set `cni.sysPtrace=true` in the values of the chart.',
    ],
  },
  SluiceNodeNotCovered: {
    expr: 'max by (mode) (sluice_nodes{state="unable"}) > 0',
    lasts: '10m',
    severity: 'warning',
    summary: '{{ $value }} nodes cannot do {{ $labels.mode }}',
    means:
      'The agent of these nodes has been unable for longer than coverageGrace. They carry the taint, so that no new pod lands there, and do not count for the mode.',
    look: [
      'kubectl get nodes -L sluice-mesh.io/cni,sluice-mesh.io/ambient',
      'kubectl -n sluice-system get pods -l app.kubernetes.io/name=sluice-agent -o wide',
      'sluice check',
    ],
    act: [
      'No agent on the node: `kubectl describe` its DaemonSet pod; quota, Pod Security and tolerations are the usual causes.',
      'An agent that is not Ready [names the check that fails](troubleshooting.md#a-node-is-tainted-or-has-no-label), with a reason code.',
      'Ambient alone: the condition `sluice-mesh.io/ambient` of the agent’s pod holds the reason.',
    ],
  },
  SluiceConflistEntry: {
    expr: `sum by (node, reason) (${alarm(...ALARMS.entry)}) > 0`,
    lasts: '5m',
    severity: 'warning',
    summary: 'the plugin’s entry is not in the CNI configuration of node {{ $labels.node }} ({{ $labels.reason }})',
    means: 'The runtime does not call the plugin for new pods. The agent is not Ready; the node leaves the coverage.',
    look: [AGENT_LOG, 'ls -l /etc/cni/net.d    # on the node, or through kubectl debug node/NODE'],
    act: [
      'Do what [the reason](reasons.md) says; [how the entry is kept](installer.md); Sluice changes no file that it cannot read, and never makes one.',
    ],
  },
  SluiceConflistFight: {
    expr: `sum by (node) (${alarm(...ALARMS.fight)}) > 0`,
    lasts: '1m',
    severity: 'warning',
    summary: 'somebody keeps taking the plugin’s entry out of the CNI configuration of node {{ $labels.node }}',
    means:
      'Two writers fight over one file. The agent repairs more slowly now, and pods that start in between are not redirected by the plugin; the sweep measures them.',
    look: [
      AGENT_LOG,
      'sluice check',
      'cat /var/run/sluice/installer-history.json    # on the node: who, when, how often',
    ],
    act: [
      'Let the other writer leave entries of others alone (Cilium: `cni.exclusive=false`).',
      'Or give Sluice a [file of its own](installer.md#where-the-entry-goes): `owned`.',
    ],
  },
  SluiceZtunnelDisconnected: {
    expr: `sum by (node, reason) (${alarm(...ALARMS.ztunnel)}) > 0`,
    lasts: '5m',
    severity: 'warning',
    summary: 'ztunnel of node {{ $labels.node }} does not work with the agent ({{ $labels.reason }})',
    means:
      'New ambient pods on the node are refused, and those that run go on with the ztunnel that they have. The node loses its label for ambient after the grace.',
    look: ['kubectl -n istio-system get pods -l app=ztunnel -o wide', AGENT_LOG],
    act: [
      'ztunnel restarts by itself: nothing to do but to wait for it.',
      'ztunnel that runs and is not connected: both must mount the same directory, `/var/run/ztunnel`; only one agent may serve it ([check `other-agents`](checks.md#other-agents)).',
      '`ztunnel_malformed`, `ztunnel_unasked`: versions that do not go together, [skew](upgrade.md#skew).',
    ],
  },
  SluiceCertificateExpires: {
    expr: 'min(sluice_certificate_not_after_seconds > 0) - time() < 14 * 86400',
    lasts: '10m',
    severity: 'warning',
    summary: 'a certificate of the webhook ends in less than 14 days',
    means:
      'Whoever renews it has not: certificates are renewed at two thirds of their life, long before. When it has ended, the API server calls nobody.',
    look: ['sluice check', WEBHOOK_LOG, 'kubectl -n sluice-system get certificate,secret    # with cert-manager'],
    act: [
      'Self-made: the leader’s log says why the Secret `sluice-ca` could not be written. Deleting it makes a new CA.',
      'cert-manager or files of your own: see their owner; the webhook takes a new file without a restart.',
    ],
  },
  SluiceStaleFacts: {
    expr: `max by (reason, node) (${alarm(...ALARMS.facts)}) > 0`,
    lasts: '5m',
    severity: 'warning',
    summary: 'decisions rest on old facts about the cluster ({{ $labels.reason }})',
    means:
      'A watch of the webhook or of an agent does not come through. Decisions go on by what is known; NET_ADMIN is not granted on facts older than maxStale.',
    look: [
      'kubectl get --raw /readyz?verbose',
      WEBHOOK_LOG,
      'kubectl auth can-i list pods --as=system:serviceaccount:sluice-system:sluice-webhook -A',
    ],
    act: [
      'The log names the watch and the answer of the API server: 403 is RBAC, a time-out is the network or a NetworkPolicy.',
    ],
  },
  SluiceBadConfiguration: {
    expr: `max by (reason) (${alarm(...ALARMS.configuration)}) > 0`,
    lasts: '1m',
    severity: 'warning',
    summary: 'settings cannot be used ({{ $labels.reason }})',
    means:
      'The newest version of istiod’s settings, of a template or of the policy is wrong. The last good one stays in use; a replica that starts now has none.',
    look: [
      'sluice check',
      'kubectl -n istio-system get configmap istio istio-sidecar-injector -o yaml',
      'kubectl -n sluice-system get configmap sluice-policy -o yaml',
    ],
    act: ['Correct the field that `sluice check` names, or put the last version back.'],
  },
  SluiceAddRefused: {
    expr: 'sum by (node, reason) (increase(sluice_cni_requests_total{command="ADD",result="refused"}[15m])) > 10',
    lasts: '10m',
    severity: 'warning',
    summary: 'node {{ $labels.node }} keeps refusing the network of pods: {{ $labels.reason }}',
    means: 'Pods hang in ContainerCreating: the node cannot give them what they were promised. Other pods start.',
    look: ['kubectl get events -A --field-selector reason=FailedCreatePodSandBox', AGENT_LOG],
    act: [
      'Do what [the reason](reasons.md) says; the kubelet tries again by itself.',
      'To free the node: `kubectl cordon NODE`, and delete the pods that hang.',
    ],
  },
  SluiceAddSlow: {
    expr: 'histogram_quantile(0.99, sum by (node, le) (rate(sluice_cni_duration_seconds_bucket{phase="total"}[15m]))) > 5',
    lasts: '15m',
    severity: 'warning',
    summary: 'the slowest pods of node {{ $labels.node }} wait more than 5 s for their rules',
    means: 'Pods start late, and the runtime may give up. Most often the node is short of CPU, or ztunnel is slow.',
    look: [AGENT_LOG, 'kubectl top pod -n sluice-system'],
    act: [
      'The phases of `sluice_cni_duration_seconds` say where the time goes; give the agent more CPU (`cni.resources`).',
    ],
  },
  SluiceRepairsFail: {
    expr: 'sum by (node, mode, cure) (increase(sluice_repairs_total{result="failed"}[30m])) > 2',
    lasts: '5m',
    severity: 'warning',
    summary: 'repairs of pods on node {{ $labels.node }} fail (mode {{ $labels.mode }}, {{ $labels.cure }})',
    means: 'Rules were made again and the next measurement still showed a bypass: something undoes them.',
    look: ['sluice status -A -o wide', AGENT_LOG],
    act: [
      'Look for other software that changes rules in pods: a second mesh, a security agent, a container with NET_ADMIN (`sluice audit -A`).',
      'The leader evicts such pods within `repair.evictionsPerMinute`; a disruption budget may hold it back (`eviction_refused`).',
    ],
  },
  SluiceNetAdminRising: {
    expr: 'sum by (reason) (increase(sluice_net_admin_grants_total[1h])) > 5 + 2 * (sum by (reason) (increase(sluice_net_admin_grants_total[1h] offset 1d)) or 0 * sum by (reason) (sluice_net_admin_grants_total))',
    lasts: '10m',
    severity: 'info',
    summary: 'NET_ADMIN is granted more than twice as often as a day ago ({{ $labels.reason }})',
    means:
      'More pods get `istio-init` than usual: nodes left the coverage, or workloads ask for what only init can do.',
    look: ['sluice audit -A -o wide', 'kubectl get nodes -L sluice-mesh.io/cni', 'sluice plan -A'],
    act: [
      'What `sluice audit` says would take each grant away.',
      'To forbid them: `netAdmin` in [the policy](policy.md), or `profile: strict` of the chart.',
    ],
  },
  SluiceAlarm: {
    expr: `max by (reason, node) (sluice_alarms{reason!~"${Object.values(ALARMS).flat().join('|')}"}) > 0`,
    lasts: '15m',
    severity: 'warning',
    summary: 'Sluice asks for a person: {{ $labels.reason }}',
    means: 'An alarm without a runbook of its own has been on for 15 minutes. Each one is a reason code.',
    look: [WHICH, 'kubectl -n sluice-system logs POD | grep REASON    # once when it began, once when it ended'],
    act: ['[docs/reasons.md](reasons.md) says under the code what it means and what to do.'],
  },
} as const satisfies Record<string, AlertRow>

export type AlertName = keyof typeof ALERTS

/** The rules as a file of Prometheus; the chart puts them into a PrometheusRule as they are. */
export function alertRules(): object {
  const rules = Object.entries<AlertRow>(ALERTS).map(([alert, { expr, lasts, severity, summary, means }]) => ({
    alert,
    expr,
    ...(lasts !== '0m' && { for: lasts }),
    labels: { severity },
    annotations: { summary, description: means, runbook: runbookOf(alert) },
  }))
  return { groups: [{ name: 'sluice', rules }] }
}

/** Where the runbook of an alert is: a page of the repository. */
export function runbookOf(alert: string): string {
  return `docs/alerts.md#${alert.toLowerCase()}`
}
