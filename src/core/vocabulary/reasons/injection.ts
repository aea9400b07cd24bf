import type { ReasonRow } from './reason-row.ts'

/** Reasons that arise while a pod is changed. */
export const INJECTION_REASONS = {
  annotation_invalid: {
    level: 'refuse',
    says: (p: { problems: string }) => `annotations of the pod cannot be used: ${p.problems}`,
    fix: 'correct the annotations; docs/annotations.md lists what each of them allows',
  },
  template_unknown: {
    level: 'refuse',
    says: (p: { template: string; known: string }) =>
      `the injection template ${JSON.stringify(p.template)} does not exist; known are ${p.known}`,
    fix: 'correct the annotation inject.istio.io/templates, or add the template to the injector settings',
  },
  templates_too_many: {
    level: 'refuse',
    says: (p: { count: number; most: number }) =>
      `the pod asks for ${p.count} injection templates, and no more than ${p.most} are applied`,
    fix: 'shorten the annotation inject.istio.io/templates',
  },
  template_failed: {
    level: 'refuse',
    says: (p: { template: string; problem: string }) =>
      `the injection template ${JSON.stringify(p.template)} failed: ${p.problem}`,
    fix: 'correct the template, or name another in the annotation inject.istio.io/templates',
  },
  scrape_port_invalid: {
    level: 'refuse',
    says: (p: { port: string; problem: string }) =>
      `the pod asks Prometheus to scrape port ${JSON.stringify(p.port)}, which ${p.problem}`,
    fix: 'correct prometheus.io/port or prometheus.istio.io/scrape-targets',
  },
  volume_name_taken: {
    level: 'refuse',
    says: (p: { volume: string }) =>
      `the pod has a volume ${JSON.stringify(p.volume)} of its own, a name that the injection needs for another source`,
    fix: 'rename the volume of the pod and its mounts',
  },
  status_not_trusted: {
    level: 'warn',
    says: () => 'the annotation sidecar.istio.io/status names containers that do not look injected, so it was ignored',
    fix: 'remove the annotation from the pod; only an injector writes it',
  },
  overrides_unreadable: {
    level: 'refuse',
    says: () => 'the annotation proxy.istio.io/overrides is no JSON object of containers',
    fix: 'remove the annotation from the pod; only an injector writes it',
  },
  own_container_invalid: {
    level: 'refuse',
    says: (p: { problem: string }) => `the pod's own settings for an injected container cannot be merged: ${p.problem}`,
    fix: 'give every element of env, ports, volumeMounts and volumeDevices its name, number or path',
  },
  tproxy_user_ignored: {
    level: 'warn',
    says: (p: { user: string }) =>
      `the proxy asks for user ${p.user}, but TPROXY needs it to run as root, so its own traffic may be captured again`,
    fix: 'remove runAsUser from istio-proxy, or use interception mode REDIRECT',
  },
  proxy_user_root: {
    level: 'warn',
    says: () => 'the proxy asks for user 0, which the redirection does not exempt and runAsNonRoot refuses',
    fix: 'remove runAsUser from istio-proxy',
  },
  scrape_targets_ignored: {
    level: 'warn',
    says: (p: { value: string }) =>
      `prometheus.istio.io/scrape-targets is ${JSON.stringify(p.value)}, where one item names no port, so it was ignored`,
    fix: 'write each item as port or port:path',
  },
  probe_not_rewritten: {
    level: 'warn',
    says: (p: { probe: string; port: string; problem: string }) =>
      `the check ${p.probe} goes to port ${p.port}, which ${p.problem}, so it was left as it is and bypasses the proxy's agent`,
    fix: 'let the check name a port of its container',
  },
  probe_without_status_port: {
    level: 'warn',
    says: (p: { probe: string }) =>
      `the check ${p.probe} was left as it is, since status.sidecar.istio.io/port is 0 and the pod has no agent to ask`,
    fix: 'remove the annotation, or sidecar.istio.io/rewriteAppHTTPProbers: "false" if this is meant',
  },
  proxy_config_unknown: {
    level: 'warn',
    says: (p: { fields: string }) => `proxy.istio.io/config has fields that no ProxyConfig has: ${p.fields}`,
    fix: 'correct the names; as they are, they do nothing',
  },
  proxy_config_zero: {
    level: 'warn',
    says: (p: { fields: string }) =>
      `proxy.istio.io/config gives fields their zero value, which cannot override that of the mesh: ${p.fields}`,
    fix: 'change the ProxyConfig of the mesh, or use the annotation that is made for the field',
  },
  tracing_replaced: {
    level: 'warn',
    says: (p: { fields: string }) =>
      `the tracing of proxy.istio.io/config replaces that of the mesh as a whole, which takes away: ${p.fields}`,
    fix: 'repeat in the annotation what must stay',
  },
  runtime_values_replaced: {
    level: 'warn',
    says: (p: { fields: string }) =>
      `the runtimeValues of proxy.istio.io/config replace those of the mesh as a whole, which takes away: ${p.fields}`,
    fix: 'repeat in the annotation what must stay',
  },
  status_ports_disagree: {
    level: 'warn',
    says: (p: { pod: number; mesh: number; agent: number }) =>
      `the status port is ${p.pod} for the rules and probes, ${p.mesh} for Prometheus, and the agent listens on ${p.agent}`,
    fix: 'set one port: global.proxy.statusPort, statusPort of the mesh and of proxy.istio.io/config, status.sidecar.istio.io/port',
  },
  workload_is_pod: {
    level: 'warn',
    says: (p: { owner: string }) =>
      `the pod has a name and no generateName, so telemetry reports it as a workload of its own, not as ${p.owner}`,
    fix: 'label it service.istio.io/canonical-name and service.istio.io/workload-name',
  },
  traffic_not_redirected: {
    level: 'warn',
    says: () => 'the interception mode is NONE, so the traffic of the pod bypasses the proxy',
    fix: 'use REDIRECT, unless the application sends its traffic to the proxy itself',
  },
  no_application_container: {
    level: 'warn',
    says: () =>
      'the pod has no container but istio-proxy, which became an init container, so the API server refuses it',
    fix: 'annotate sidecar.istio.io/nativeSidecar: "false", or inject.istio.io/templates: gateway',
  },
  native_cluster_unknown: {
    level: 'warn',
    says: (p: { cluster: string }) =>
      `the request is about the cluster ${JSON.stringify(p.cluster)}, whose nodes are not known here, so the proxy is no native sidecar`,
    fix: 'set ENABLE_NATIVE_SIDECARS, or call the cluster the same in the URL and in global.multiCluster.clusterName',
  },
  multus_networks_malformed: {
    level: 'warn',
    says: () =>
      'the annotation k8s.v1.cni.cncf.io/networks is no list that a network can be added to, so Multus will not redirect the pod',
    fix: 'write names separated by commas, or a JSON list of objects',
  },
  openshift_tproxy_user: {
    level: 'warn',
    says: () => 'with TPROXY the pod uses the id 1337, which is outside the range of its namespace',
    fix: 'use REDIRECT, or a security context constraint that admits 1337',
  },
  openshift_proxy_captured: {
    level: 'warn',
    says: (p: { exempt: string }) =>
      `the proxy runs as root in group 1337, but the rules exempt only ${p.exempt}, so its own traffic is captured again`,
    fix: 'let the application listen on ports from 1024, and remove capNetBindService',
  },
  assigned_group_dropped: {
    level: 'warn',
    says: (p: { group: string }) =>
      `runAsGroup ${p.group} of istio-proxy was taken for one that OpenShift assigned, and dropped`,
    fix: 'set runAsUser too',
  },
} as const satisfies Record<string, ReasonRow>
