/** One metric: its name, what kind of number it is and what it may be split by. Labels take values of closed sets only. */
export interface MetricRow {
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly labels: readonly string[]
  /** upper bounds, histograms only */
  readonly buckets?: readonly number[]
}

/**
 * What the webhook measures. Istio's names keep Istio's meaning and carry no labels (injector.md §17), so that dashboards
 * keep working; Sluice's own split by mode and reason code. No label ever holds a namespace, a pod or a free text.
 */
export const WEBHOOK_METRICS = {
  sluice_build_info: {
    type: 'gauge',
    help: '1, by the version of Sluice that answers and the Node it runs on: whether webhook and agents are of one version.',
    labels: ['version', 'node_version'],
  },
  sidecar_injection_requests_total: {
    type: 'counter',
    help: 'Requests to the injection webhook, before anything is read.',
    labels: [],
  },
  sidecar_injection_success_total: {
    type: 'counter',
    help: 'Requests that were answered by an AdmissionReview, also for pods that were left alone or refused.',
    labels: [],
  },
  sidecar_injection_failure_total: {
    type: 'counter',
    help: 'Requests that failed: unusable body or type, refused pods, faults of the webhook itself.',
    labels: [],
  },
  sidecar_injection_skip_total: { type: 'counter', help: 'Pods that are not for the mesh.', labels: [] },
  sidecar_injection_time_seconds: {
    type: 'histogram',
    help: 'Time to answer an injection request.',
    labels: [],
    buckets: [0.1, 1, 3, 5, 10, 20, 30, 60],
  },
  sluice_admission_decisions_total: {
    type: 'counter',
    help: 'Decisions about pods, by what became of them, mode and reason code.',
    labels: ['decision', 'mode', 'reason', 'dry_run'],
  },
  sluice_admission_rejected_modes_total: {
    type: 'counter',
    help: 'Modes that were ruled out for a pod, by reason code.',
    labels: ['mode', 'reason', 'dry_run'],
  },
  sluice_admission_explanations_total: {
    type: 'counter',
    help: 'Dry runs of workloads that were told what would become of their pods, by that and reason code.',
    labels: ['decision', 'reason'],
  },
  sluice_admission_warnings_total: {
    type: 'counter',
    help: 'Facts that a person should know about a pod that was let in, by reason code.',
    labels: ['reason', 'dry_run'],
  },
  sluice_net_admin_grants_total: {
    type: 'counter',
    help: 'Containers that were given NET_ADMIN, by the reason for the mode. Dry runs grant nothing and are not counted.',
    labels: ['reason'],
  },
  sluice_admission_failures_total: {
    type: 'counter',
    help: 'Requests without an AdmissionReview as answer, by cause; the API server then acts by its failurePolicy.',
    labels: ['cause'],
  },
  sluice_admission_remembered_total: {
    type: 'counter',
    help: 'Reviews that got the answer to an earlier one, whose pod was alike.',
    labels: [],
  },
  sluice_admission_duration_seconds: {
    type: 'histogram',
    help: 'Time from the last byte of a review to its answer.',
    labels: [],
    buckets: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 1],
  },
  sluice_admission_in_flight: { type: 'gauge', help: 'Requests that are being read or answered now.', labels: [] },
  sluice_facts_age_seconds: { type: 'gauge', help: 'Age of the oldest fact that decisions rest on.', labels: [] },
  sluice_watch_problems_total: {
    type: 'counter',
    help: 'Requests of the watches that failed and were tried again, and objects that could not be kept, by kind.',
    labels: ['kind', 'at'],
  },
  sluice_alarms: {
    type: 'gauge',
    help: 'What needs a person now, by reason code: how many alarms of that kind are on.',
    labels: ['reason'],
  },
  sluice_configuration_bad: {
    type: 'gauge',
    help: '1 while the newest version of a configuration cannot be used and the last good one is kept.',
    labels: ['configuration'],
  },
  sluice_leader: { type: 'gauge', help: '1 while this replica holds the lease.', labels: ['lease'] },
  sluice_leader_writes_total: {
    type: 'counter',
    help: 'What the leader wrote, and how it ended: conflict (somebody else was faster) and failed are tried again.',
    labels: ['what', 'result'],
  },
  sluice_nodes: {
    type: 'gauge',
    help: 'Nodes by what their agent can do, as the leader sees them: able, grace (unable, still counted), unable, excluded.',
    labels: ['mode', 'state'],
  },
  sluice_evictions_total: {
    type: 'counter',
    help: 'Pods that the leader evicted because the agent of their node asked, by the reason code that it gave.',
    labels: ['reason'],
  },
  sluice_events_dropped_total: {
    type: 'counter',
    help: 'What agents said of pods that was over before the budget of events let it be told.',
    labels: [],
  },
  sluice_log_lines_dropped_total: {
    type: 'counter',
    help: 'Lines of the log that were thrown away, since nobody took those before them from the standard output.',
    labels: [],
  },
  sluice_certificate_not_after_seconds: {
    type: 'gauge',
    help: 'When the serving certificate expires, in seconds since 1970.',
    labels: [],
  },
} as const satisfies Record<string, MetricRow>

/** What a node's agent measures. As above: no label holds a namespace, a pod or a free text. */
export const AGENT_METRICS = {
  sluice_build_info: WEBHOOK_METRICS.sluice_build_info,
  sluice_agent_backend: {
    type: 'gauge',
    help: '1 for the backend that rules are made with; 0 for all of them where none can make rules on this node.',
    labels: ['backend'],
  },
  sluice_agent_loop_age_seconds: {
    type: 'gauge',
    help: 'How long ago each loop of the agent completed a turn.',
    labels: ['loop'],
  },
  sluice_facts_age_seconds: {
    type: 'gauge',
    help: "How long ago the API server last proved that what is known of the node's pods is current; -1 before the first time.",
    labels: [],
  },
  sluice_watch_problems_total: WEBHOOK_METRICS.sluice_watch_problems_total,
  sluice_alarms: WEBHOOK_METRICS.sluice_alarms,
  sluice_proofs: {
    type: 'gauge',
    help: 'Pods of this node that were promised redirection, by mode and by what was measured last.',
    labels: ['mode', 'verdict'],
  },
  sluice_oldest_proof_seconds: { type: 'gauge', help: 'Age of the oldest measurement of a pod.', labels: [] },
  sluice_repairs_total: {
    type: 'counter',
    help: 'What was done about pods that are not redirected as promised, by mode, cure and result; done: measured.',
    labels: ['mode', 'cure', 'result'],
  },
  sluice_sweep_dropped_total: {
    type: 'counter',
    help: 'Pods that were not measured at once because too many wait; the next round measures them.',
    labels: [],
  },
  sluice_condition_failures_total: {
    type: 'counter',
    help: 'Conditions that could not be written to the API server and were tried again.',
    labels: [],
  },
  sluice_cni_requests_total: {
    type: 'counter',
    help: 'Requests of the plugin, by command, what became of them, and reason code.',
    labels: ['command', 'result', 'reason'],
  },
  sluice_cni_duration_seconds: {
    type: 'histogram',
    help: 'Time of a request of the plugin in all, and of the phases of an ADD: until the pod is known, its namespace entered, the rules made.',
    labels: ['phase'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30],
  },
  sluice_cni_in_flight: { type: 'gauge', help: 'Requests of the plugin that wait or are worked on now.', labels: [] },
  sluice_ambient_pods: {
    type: 'gauge',
    help: 'Ambient pods of this node: proven and unproven are in, waiting should be in and are not.',
    labels: ['state'],
  },
  sluice_ambient_work_total: {
    type: 'counter',
    help: 'What was done about ambient pods beside the start of their sandbox, by kind of work and the reason code where it failed; ok: it is done.',
    labels: ['work', 'result'],
  },
  sluice_ambient_marks_failed_total: {
    type: 'counter',
    help: 'Annotations ambient.istio.io/redirection that could not be written and were tried again.',
    labels: [],
  },
  sluice_ztunnel_events_total: {
    type: 'counter',
    help: 'What happened at the socket of ztunnel, by kind and reason code.',
    labels: ['event', 'reason'],
  },
  ztunnel_connected: { type: 'gauge', help: 'Connections of ztunnels to this agent.', labels: [] },
  sluice_sockets_renewed_total: {
    type: 'counter',
    help: 'Times that the file of a socket was found removed or replaced and was bound again, by socket: plugin or ztunnel.',
    labels: ['socket'],
  },
  istio_cni_install_ready: {
    type: 'gauge',
    help: '1 while the plugin and its entry are in place in the CNI configuration that the runtime uses.',
    labels: [],
  },
  sluice_cni_changes_total: {
    type: 'counter',
    help: "Times that the plugin or its entry was put in place, first (installed) or after somebody else's change (repaired), by what was found.",
    labels: ['what', 'cause'],
  },
  sluice_journal_entries: { type: 'gauge', help: 'Pods that the agent remembers to have redirected.', labels: [] },
} as const satisfies Record<string, MetricRow>
