/**
 * Names that others look for. Istio's keep Istio's spelling, since istiod, ztunnel and `istioctl` read them; what is
 * Sluice's own stands under `sluice-mesh.io/`.
 */
export const SLUICE_LABELS = {
  /** the wish: `auto | ambient | cni | init | none` on a pod or its namespace; Sluice never writes it */
  mode: 'sluice-mesh.io/mode',
  /** which installation of the webhook a configuration belongs to; never Istio's label, which istiod would act on */
  revision: 'sluice-mesh.io/revision',
} as const

/** The answer: written by the webhook on each pod that it decided, never read by the decision. */
export const ANSWER_ANNOTATIONS = {
  decided: 'sluice-mesh.io/decided',
  reason: 'sluice-mesh.io/reason',
  intent: 'sluice-mesh.io/intent',
} as const

/** Labels that the leader keeps on nodes: an agent there has been able to do the mode (value `ready`). */
export const NODE_LABELS = {
  cni: 'sluice-mesh.io/cni',
  ambient: 'sluice-mesh.io/ambient',
} as const
export const NODE_LABEL_READY = 'ready'

/** What the leader remembers on a node: since when an agent there is unable, and which taint it keeps (`key:effect`). */
export const NODE_MARKS = {
  cni: 'sluice-mesh.io/cni-unable-since',
  ambient: 'sluice-mesh.io/ambient-unable-since',
  taint: 'sluice-mesh.io/taint',
} as const

/** Istio's labels that say whether, and in which family, a pod joins the mesh (injector.md §2, cni.md). */
export const ISTIO_LABELS = {
  /** on a namespace: `enabled` asks for sidecars of the default revision, anything else refuses them */
  injection: 'istio-injection',
  /** on a namespace or a pod: asks for a sidecar of that revision */
  revision: 'istio.io/rev',
  /** on a pod, as label or annotation: `true` or `false` */
  inject: 'sidecar.istio.io/inject',
  /** on a namespace or a pod: `ambient` or `none` */
  dataplaneMode: 'istio.io/dataplane-mode',
} as const

/** Istio's annotations that the node reads beside those of traffic (cni.md §2.4, §5.2). */
export const ISTIO_ANNOTATIONS = {
  /** written by the injector: which containers and volumes are its own */
  status: 'sidecar.istio.io/status',
  /** written by the node's agent on an ambient pod that it enrolled */
  redirection: 'ambient.istio.io/redirection',
  /** a Go boolean: the application of an ambient pod takes its inbound traffic itself */
  ambientBypassInbound: 'ambient.istio.io/bypass-inbound-capture',
  /** a Go boolean: overrides the node's DNS capture for an ambient pod */
  ambientDnsCapture: 'ambient.istio.io/dns-capture',
  /** written by the node's agent: the pod's traffic is redirected */
  ambientRedirection: 'ambient.istio.io/redirection',
} as const

/** Conditions of a pod that the agent of its node writes. */
export const POD_CONDITIONS = {
  /** was it measured that the pod's traffic is redirected? Also the optional readiness gate of ambient pods */
  redirected: 'sluice-mesh.io/redirected',
  /** asks the leader to evict the pod */
  evict: 'sluice-mesh.io/evict',
  /** on the agent's own pod alone: can its node do ambient? */
  ambient: 'sluice-mesh.io/ambient',
} as const

/** Kubernetes' own labels, annotations and taints that a decision reads. */
export const KUBERNETES_NAMES = {
  /** on a namespace: the Pod Security level that it enforces */
  podSecurityEnforce: 'pod-security.kubernetes.io/enforce',
  /** on a pod: the kubelet made it from a file; the API server only mirrors it */
  mirrorPod: 'kubernetes.io/config.mirror',
  /** on every pod that a runtime sees, set by the kubelet: `api`, or where else the pod is from */
  configSource: 'kubernetes.io/config.source',
  /** on a node, set by its kubelet: its operating system */
  os: 'kubernetes.io/os',
  /** the taint that a cordoned node carries; a pod that tolerates it may be scheduled there */
  unschedulableTaint: 'node.kubernetes.io/unschedulable',
  /** on a namespace, set by the API server: its name */
  namespaceName: 'kubernetes.io/metadata.name',
} as const

/** On a DaemonSet: which component it is. Sluice's chart sets it for the agent, Istio's for ztunnel. */
export const COMPONENT_LABEL = 'app.kubernetes.io/name'
export const COMPONENTS = { agent: 'sluice-agent', ztunnel: 'ztunnel' } as const
/** The agent's DaemonSet, in the agent's namespace. */
export const AGENT_DAEMON_SET = 'sluice-agent'
/** The same label on the pods of the webhook. */
export const WEBHOOK_COMPONENT = 'sluice-webhook'

/** Service accounts of Sluice's parts. */
export const SERVICE_ACCOUNTS = { agent: 'sluice-agent' } as const

/** Names of ConfigMaps; Istio's carry `-<revision>` where the revision is not the default one (injector.md §4). */
export const CONFIG_MAPS = { mesh: 'istio', injector: 'istio-sidecar-injector', policy: 'sluice-policy' } as const

/** Leases of the webhook's replicas, in Sluice's namespace; the second one carries `-<revision>` as the ConfigMaps do. */
export const LEASES = { cluster: 'sluice-leader', registration: 'sluice-leader-registration' } as const

/** Who owns the fields that the webhook and its leader write. */
export const FIELD_MANAGER = 'sluice-leader'

export const CONTAINERS = {
  proxy: 'istio-proxy',
  init: 'istio-init',
  validation: 'istio-validation',
  coreDump: 'enable-core-dump',
} as const

/** Environment that only an injected proxy, or a proxyless application that was injected, carries. */
export const INJECTION_MARKS: readonly string[] = [
  'PILOT_CERT_PROVIDER',
  'ISTIO_META_APP_CONTAINERS',
  'PROXY_CONFIG',
  'GRPC_XDS_BOOTSTRAP',
]
