import type { ReasonRow } from './reason-row.ts'

/** What stands in the way of a move to a mode with less privilege, beside what the decision itself says. */
export const PLAN_REASONS = {
  init_containers_before_proxy: {
    level: 'warn',
    says: (p: { containers: string }) =>
      `the pod's init containers (${p.containers}) run before the proxy, and in mode cni they would have no network`,
    fix: 'let the sidecar be a native one (nodes of 1.29 or newer, sidecar.istio.io/nativeSidecar=true), or exclude the traffic of these containers',
  },
  extra_interfaces: {
    level: 'warn',
    says: (p: { networks: string }) =>
      `the pod has more interfaces (${p.networks}), and the rules that the node makes see their traffic too`,
    fix: 'name those that are to be left alone in traffic.sidecar.istio.io/excludeInterfaces, or measure with sluice verify',
  },
  policy_needs_waypoint: {
    level: 'warn',
    says: (p: { object: string; field: string }) =>
      `${p.object} decides by what only a layer 7 proxy sees (${p.field}), but the namespace has no waypoint`,
    fix: 'create a waypoint for the namespace and label it istio.io/use-waypoint before the move',
  },
  sidecar_object_unused: {
    level: 'warn',
    says: (p: { object: string }) => `${p.object} changes sidecars alone, and has no effect in ambient`,
    fix: 'see whether it is still needed, or express it by a waypoint',
  },
  probes_masqueraded: {
    level: 'warn',
    says: (p: { setting: string }) =>
      `the kubelet probes the pod, and Cilium drops the address that probes of ambient pods come from (${p.setting})`,
    fix: "set bpf.masquerade=false in Cilium's values before the move",
  },
  limit_range_refuses: {
    level: 'warn',
    says: (p: { container: string; range: string; what: string }) =>
      `the LimitRange ${p.range} would refuse the container ${p.container}: ${p.what}`,
    fix: 'change the LimitRange, or the resources that injection gives (sidecar.istio.io/proxyCPU, proxyMemory and their limits, or istiod’s values)',
  },
  quota_short: {
    level: 'warn',
    says: (p: { quota: string; resource: string; used: string; hard: string }) =>
      `the ResourceQuota ${p.quota} has no room for one more pod (${p.resource}: ${p.used} of ${p.hard} used), which a rolling restart wants before the old one goes`,
    fix: 'raise the quota during the restart, or let the workload lose one pod first (maxUnavailable)',
  },
  objects_unread: {
    level: 'warn',
    says: (p: { kind: string; problem: string }) =>
      `it is not known which ${p.kind} objects stand in the way: ${p.problem}`,
    fix: 'ask for the right to list them; unknown does not mean none',
  },
} as const satisfies Record<string, ReasonRow>
