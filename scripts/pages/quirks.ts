import type { ReasonCode } from '../../src/core/vocabulary/reasons.ts'

/** What becomes of one place where Istio falls short, by the number that the code and docs/differences-from-istio.md use. */
export interface Quirk {
  readonly what: string
  /** kept as Istio has it, decided otherwise, or kept with a warning */
  readonly is: readonly ('kept' | 'otherwise' | 'warned')[]
  /** reason codes that tell the author of a pod */
  readonly codes?: readonly ReasonCode[]
}

const kept = (what: string, ...codes: ReasonCode[]): Quirk =>
  codes.length === 0 ? { what, is: ['kept'] } : { what, is: ['kept', 'warned'], codes }
const otherwise = (what: string, ...codes: ReasonCode[]): Quirk =>
  codes.length === 0 ? { what, is: ['otherwise'] } : { what, is: ['otherwise', 'warned'], codes }

/** The 41 of the injector, in order from 1. */
export const QUIRKS: readonly Quirk[] = [
  otherwise('a second injection loses the author’s overrides'),
  otherwise('a second injection is merged onto the first'),
  otherwise('the status annotation can be preset', 'status_not_trusted'),
  otherwise('TPROXY is guessed from two sources', 'tproxy_user_ignored', 'proxy_user_root'),
  otherwise('no seccomp profile where `restricted` is enforced'),
  otherwise('probes that cannot be recorded are rewritten', 'probe_not_rewritten'),
  otherwise('four sources for the status port', 'status_ports_disagree', 'probe_without_status_port'),
  kept('a Job’s name makes it a CronJob'),
  kept('a Rollout’s apiVersion lacks its group'),
  kept('a named pod is its own workload', 'workload_is_pod'),
  kept('a generated pod without owner has no workload'),
  otherwise('metadata and annotations are pasted into text'),
  otherwise('volume names clash', 'volume_name_taken'),
  kept('mode cni writes settings into annotations'),
  otherwise('mode NONE in a CNI installation', 'traffic_not_redirected'),
  otherwise('two handlers in one probe or hook'),
  kept('a native pod of nothing but the proxy', 'no_application_container'),
  otherwise('templates and users name `istio-proxy` in the other list'),
  kept('an unknown cluster name turns native sidecars off', 'native_cluster_unknown'),
  kept('templates do not see one another’s results'),
  kept('the overrides annotation holds whole containers'),
  otherwise('typed objects lose unknown fields'),
  kept('a line feed behind PROXY_CONFIG, canonical quantities'),
  kept('the CRL volume is always there'),
  kept('ports of native init containers are not reported'),
  otherwise('the success counter counts everything'),
  otherwise('details of HTTP'),
  kept('OpenShift: ids', 'openshift_tproxy_user', 'openshift_proxy_captured', 'assigned_group_dropped'),
  kept('one old node turns native sidecars off'),
  otherwise('settings are taken by half'),
  otherwise('Multus: an empty or malformed list', 'multus_networks_malformed'),
  kept('Prometheus annotations on every injected pod'),
  kept('partial tracing, zero values of a layer', 'tracing_replaced', 'runtime_values_replaced', 'proxy_config_zero'),
  kept('unknown keys of `proxy.istio.io/config`', 'proxy_config_unknown'),
  otherwise('ports of one number and two protocols'),
  kept('fixed exclusions of ports'),
  otherwise('missing values print as `<nil>`'),
  otherwise('errors in random order'),
  kept('only creation is looked at'),
  otherwise('offline: the CronJob’s job template'),
  otherwise('nothing tells which running pods are stale: `sluice explain --stale` does'),
]
