import type { AnnotationRow } from './annotation-row.ts'
import type { GrammarName } from './grammars.ts'

function ofPod(
  grammar: GrammarName,
  otherwise: AnnotationRow['otherwise'],
  absent: string,
  effect: string,
): AnnotationRow {
  return { on: ['pod'], grammar, otherwise, default: absent, effect }
}

/** A value that is checked: a pod with a bad one is refused. */
function checked(grammar: GrammarName, absent: string, effect: string): AnnotationRow {
  return ofPod(grammar, 'refused', absent, effect)
}

/** A value that Istio takes as it comes. */
function free(grammar: GrammarName, absent: string, effect: string): AnnotationRow {
  return ofPod(grammar, 'ignored', absent, effect)
}

const RESOURCES = 'global.proxy.resources; if any of the four is present, only the annotated ones count'

/** Annotations that are Istio's or others': names and meaning stay as people know them. */
const ISTIO_ANNOTATIONS = {
  'sidecar.istio.io/inject': free('trueOrFalse', 'the policy', 'asks for the sidecar or refuses it; the label wins'),
  'inject.istio.io/templates': free('names', 'defaultTemplates of the injector', 'which templates, in this order'),
  'proxy.istio.io/config': checked(
    'proxyConfig',
    'the ProxyConfig of the mesh',
    'merged over the ProxyConfig of the mesh, as in Istio: proxyMetadata key by key, every other field as a whole, runtimeValues and tracing too',
  ),
  'proxy.istio.io/overrides': free(
    'written',
    'absent',
    'the containers that users overrode, kept for the next injection',
  ),
  'sidecar.istio.io/status': free('written', 'absent', 'names of what was injected'),
  'sidecar.istio.io/interceptionMode': checked(
    'interceptionMode',
    'interceptionMode of the ProxyConfig',
    'how traffic is redirected; NONE redirects nothing',
  ),
  'sidecar.istio.io/nativeSidecar': free(
    'text',
    'as the nodes can do it',
    'the proxy is an init container that restarts always: "false" is off, any other text on',
  ),
  'sidecar.istio.io/proxyImage': free('image', 'global.proxy.image', 'image of the proxy and its init container'),
  'sidecar.istio.io/proxyImageType': free('text', 'image type of the ProxyConfig', 'suffix of the image tag'),
  'sidecar.istio.io/proxyCPU': checked('quantity', RESOURCES, 'CPU request of the proxy'),
  'sidecar.istio.io/proxyCPULimit': checked('quantity', RESOURCES, 'CPU limit of the proxy'),
  'sidecar.istio.io/proxyMemory': checked('quantity', RESOURCES, 'memory request of the proxy'),
  'sidecar.istio.io/proxyMemoryLimit': checked('quantity', RESOURCES, 'memory limit of the proxy'),
  'sidecar.istio.io/logLevel': free('text', 'global.proxy.logLevel', 'log level of Envoy'),
  'sidecar.istio.io/componentLogLevel': free(
    'text',
    'global.proxy.componentLogLevel',
    'log levels of Envoy’s components',
  ),
  'sidecar.istio.io/agentLogLevel': free('text', 'global.logging.level', 'log level of the agent beside Envoy'),
  'sidecar.istio.io/bootstrapOverride': free('text', 'none', 'ConfigMap that holds a bootstrap of Envoy'),
  'sidecar.istio.io/userVolume': free('json', 'none', 'more volumes: a map of name to source, or a list'),
  'sidecar.istio.io/userVolumeMount': free(
    'json',
    'none',
    'more mounts of the proxy: a map of name to mount, or a list',
  ),
  'sidecar.istio.io/capNetBindService': free(
    'trueOrFalse',
    'global.proxy.capNetBindService',
    'the proxy runs as root with NET_BIND_SERVICE',
  ),
  'sidecar.istio.io/rewriteAppHTTPProbers': free(
    'goBoolean',
    'sidecarInjectorWebhook.rewriteAppHTTPProbe',
    'probes of the application go through the agent of the proxy',
  ),
  'status.sidecar.istio.io/port': checked(
    'port',
    'global.proxy.statusPort',
    'port of the agent for probes; 0 takes the probes of the proxy away',
  ),
  'readiness.status.sidecar.istio.io/initialDelaySeconds': checked(
    'uint32',
    'global.proxy.readinessInitialDelaySeconds',
    'readiness probe of the proxy',
  ),
  'readiness.status.sidecar.istio.io/periodSeconds': checked(
    'uint32',
    'global.proxy.readinessPeriodSeconds',
    'readiness probe of the proxy',
  ),
  'readiness.status.sidecar.istio.io/failureThreshold': checked(
    'uint32',
    'global.proxy.readinessFailureThreshold',
    'readiness probe of the proxy',
  ),
  'traffic.sidecar.istio.io/includeOutboundIPRanges': checked(
    'cidrsOrStar',
    'global.proxy.includeIPRanges',
    'destinations whose traffic is redirected',
  ),
  'traffic.sidecar.istio.io/excludeOutboundIPRanges': checked(
    'cidrs',
    'global.proxy.excludeIPRanges',
    'destinations whose traffic is not redirected',
  ),
  'traffic.sidecar.istio.io/includeInboundPorts': checked(
    'portsOrStar',
    'global.proxy.includeInboundPorts',
    'ports whose incoming traffic is redirected',
  ),
  'traffic.sidecar.istio.io/excludeInboundPorts': checked(
    'ports',
    'global.proxy.excludeInboundPorts',
    'ports whose incoming traffic is not redirected; the status port is always one',
  ),
  'traffic.sidecar.istio.io/includeOutboundPorts': free(
    'portsOrStar',
    'global.proxy.includeOutboundPorts',
    'ports whose outgoing traffic is redirected whatever the destination',
  ),
  'traffic.sidecar.istio.io/excludeOutboundPorts': checked(
    'ports',
    'global.proxy.excludeOutboundPorts',
    'ports whose outgoing traffic is not redirected',
  ),
  'traffic.sidecar.istio.io/excludeInterfaces': checked('interfaces', 'none', 'interfaces that are left alone'),
  'istio.io/reroute-virtual-interfaces': checked(
    'interfaces',
    'none',
    'interfaces of virtual machines whose traffic counts as outgoing',
  ),
  'traffic.sidecar.istio.io/kubevirtInterfaces': checked(
    'interfaces',
    'none',
    'the older name of istio.io/reroute-virtual-interfaces, which wins',
  ),
  'prometheus.istio.io/merge-metrics': checked(
    'goBoolean',
    'enablePrometheusMerge of the mesh',
    'metrics of application and proxy are served on one port',
  ),
  'prometheus.istio.io/scrape-targets': free('text', 'none', 'several application endpoints, port[:path] by commas'),
  'prometheus.istio.io/secure-port': free(
    'text',
    'ENVOY_SECURE_MERGED_METRICS_PORT',
    'port of the merged metrics over TLS',
  ),
  'prometheus.io/scrape': free('goBoolean', 'absent', 'a false value keeps the metrics unmerged'),
  'prometheus.io/port': free('text', 'absent', 'port of the application’s metrics; 1 to 65535 and none of the proxy’s'),
  'prometheus.io/path': free('text', 'absent', 'path of the application’s metrics'),
  'k8s.v1.cni.cncf.io/networks': free('networks', 'absent', 'networks of Multus; istio-cni is added behind Multus'),
  'kubectl.kubernetes.io/default-container': free('text', 'the first container', 'where kubectl exec goes'),
  'kubectl.kubernetes.io/default-logs-container': free('text', 'the first container', 'whose logs kubectl shows'),
  'apm.datadoghq.com/env': free('json', 'none', 'environment of the proxy where the tracer is datadog'),
  'resource.opentelemetry.io/service.namespace': free('text', 'the namespace', 'attribute of the spans'),
  'resource.opentelemetry.io/service.version': free(
    'text',
    'app.kubernetes.io/version, or the image tag',
    'attribute of the spans',
  ),
  'resource.opentelemetry.io/service.instance.id': free(
    'text',
    'namespace, pod and container',
    'attribute of the spans',
  ),
  'istio.io/rev': free('written', 'absent', 'revision of the injector'),
  'openshift.io/sa.scc.uid-range': {
    on: ['namespace'],
    grammar: 'text',
    otherwise: 'ignored',
    default: '1337',
    effect: 'on OpenShift its last id is the user of the proxy',
  },
  'openshift.io/sa.scc.supplemental-groups': {
    on: ['namespace'],
    grammar: 'text',
    otherwise: 'ignored',
    default: 'openshift.io/sa.scc.uid-range',
    effect: 'on OpenShift the last id of its first block is the group of the proxy',
  },
} as const satisfies Record<string, AnnotationRow>

/** Sluice's answer: written on each pod that was decided, never read by the decision. */
const SLUICE_ANNOTATIONS = {
  'sluice-mesh.io/decided': free('written', 'absent', 'the mode of the pod, or none'),
  'sluice-mesh.io/reason': free('written', 'absent', 'the reason code of the decision'),
  'sluice-mesh.io/intent': free('written', 'absent', 'what is to be redirected, for the agent on the node'),
} as const satisfies Record<string, AnnotationRow>

/** Every annotation that Sluice reads or writes. */
export const ANNOTATIONS = { ...ISTIO_ANNOTATIONS, ...SLUICE_ANNOTATIONS } as const
export type AnnotationName = keyof typeof ANNOTATIONS
