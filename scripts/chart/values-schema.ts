import type { TSchema } from 'typebox'
import { Type } from 'typebox'
import { POLICY_SCHEMA } from '../../src/core/settings/policy-schema.ts'
import { BACKENDS } from '../../src/edge/host/apply.ts'

/**
 * The values of the Helm chart: the one place for names, defaults and what they mean. values.yaml and values.schema.json are
 * made from it. Names are those that users of istio-cni's and cert-manager's charts expect.
 */
const CLOSED = { additionalProperties: false } as const

const group = (description: string, properties: Readonly<Record<string, TSchema>>) =>
  Type.Object(properties, { ...CLOSED, description })
const text = (otherwise: string, description: string) => Type.String({ default: otherwise, description })
const flag = (otherwise: boolean, description: string) => Type.Boolean({ default: otherwise, description })
const count = (otherwise: number, description: string) => Type.Integer({ default: otherwise, minimum: 0, description })
const oneOf = <const T extends string>(values: readonly [T, ...T[]], description: string) =>
  Type.Enum(values, { default: values[0], description })
/** A part of a Kubernetes object, which the API server checks. */
const part = (otherwise: unknown, description: string) =>
  Type.Unsafe<unknown>({ type: 'object', default: otherwise, description })
const parts = (otherwise: readonly unknown[], description: string) =>
  Type.Unsafe<unknown>({ type: 'array', default: otherwise, description })

const placing = {
  nodeSelector: part({ 'kubernetes.io/os': 'linux' }, 'labels that a node must have'),
  affinity: part({}, 'affinity of the pods; empty, agents keep away from virtual nodes'),
  podAnnotations: part({}, 'annotations added to the pods'),
  podLabels: part({}, 'labels added to the pods'),
  extraArgs: parts([], 'flags added to the command, for example --log-level=debug'),
  extraEnv: parts([], 'environment variables added to the container'),
  seLinuxOptions: part({}, 'SELinux options of the container'),
}

const resources = (cpu: string, memory: string, limit: string) =>
  part({ requests: { cpu, memory }, limits: { memory: limit } }, 'requests and limits of the container')

export const LOG_LEVEL = oneOf(
  ['info', 'debug', 'trace', 'warn', 'error'],
  'the least important lines that are written',
)

export const VALUES_SCHEMA = group('values of the chart', {
  global: group('what webhook and agent share', {
    hub: text('sluice-mesh', 'registry and path of the image'),
    image: text('sluice', 'name of the image'),
    tag: text('', "tag of the image; the chart's appVersion where it is empty"),
    digest: text('', 'digest of the image, sha256:…; it wins over the tag'),
    imagePullPolicy: oneOf(['IfNotPresent', 'Always', 'Never'], 'when the image is pulled'),
    imagePullSecrets: parts([], 'names of Secrets to pull the image with, as {name: …}'),
    platform: text('', 'where the cluster runs, a name of docs/installer.md; empty: the directories that most have'),
    logLevel: LOG_LEVEL,
  }),
  profile: oneOf(
    ['default', 'strict'],
    'strict: NET_ADMIN and opt-outs are denied, and what the policy says wins over this',
  ),
  revision: Type.String({
    default: 'default',
    pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
    description: 'the revision of istiod that this installation serves',
  }),
  shared: Type.Unsafe<unknown>({
    type: ['boolean', 'null'],
    default: null,
    description:
      'does this release bring what all revisions share: agents, policy, seal, fence, alerts? null: where the revision is default',
  }),
  istioNamespace: text('istio-system', "the namespace of istiod's ConfigMaps"),
  enableNamespacesByDefault: flag(false, 'as the setting of istiod: namespaces without a label are in the mesh'),
  policy: Type.Unsafe<unknown>({
    ...POLICY_SCHEMA,
    default: {},
    description: "Sluice's policy: docs/policy.md lists its fields",
  }),
  webhook: group('the admission webhook', {
    replicaCount: count(2, 'replicas; not set while autoscaling is on'),
    autoscaling: group('HorizontalPodAutoscaler', {
      enabled: flag(false, 'does it exist?'),
      minReplicas: count(2, 'at least so many'),
      maxReplicas: count(5, 'at most so many'),
      targetCPUUtilizationPercentage: count(80, 'the CPU use that is aimed at'),
    }),
    failurePolicy: oneOf(
      ['Ignore', 'Fail'],
      'what the API server does with a pod when no webhook answers; with Ignore the guard refuses what was missed',
    ),
    reinvocationPolicy: oneOf(['IfNeeded', 'Never'], 'is it asked again after another webhook changed the pod?'),
    timeoutSeconds: count(5, 'how long the API server waits for an answer'),
    port: count(15017, 'the port of HTTPS'),
    hostNetwork: flag(false, 'run on the network of the node, where the API server cannot reach pods'),
    nativeSidecars: oneOf(['auto', 'true', 'false'], "istiod's ENABLE_NATIVE_SIDECARS"),
    compliancePolicy: text('', "istiod's COMPLIANCE_POLICY"),
    platform: text('', "istiod's PLATFORM: openshift, or nothing"),
    resources: resources('100m', '128Mi', '256Mi'),
    priorityClassName: text('system-cluster-critical', 'priority class of the pods'),
    terminationGracePeriodSeconds: count(30, 'how long a pod may take to stop; requests are drained meanwhile'),
    tolerations: parts([], 'taints that are tolerated beside those of Sluice'),
    topologySpreadConstraints: parts(
      [
        { maxSkew: 1, topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'ScheduleAnyway' },
        { maxSkew: 1, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway' },
      ],
      'how replicas are spread; the selector is added',
    ),
    podDisruptionBudget: group('PodDisruptionBudget', {
      enabled: flag(true, 'does it exist?'),
      maxUnavailable: count(1, 'how many replicas may be away'),
    }),
    ...placing,
  }),
  certManager: group('certificates by cert-manager; without it Sluice makes its own', {
    enabled: flag(false, 'does cert-manager make them?'),
    issuerRef: part({}, 'an issuer; empty: a self-signed one of this chart'),
    duration: text('2160h', 'life of the certificate'),
  }),
  existingSecret: text(
    '',
    'name of a Secret with tls.crt and tls.key that somebody else keeps fresh; say its CA in caBundle',
  ),
  caBundle: text(
    '',
    'with existingSecret: base64 of the PEM of the CA that signed it; empty: somebody else writes it into the registrations',
  ),
  boundary: group('policies of the API server that hold without the webhook (docs/security.md)', {
    guard: flag(true, 'refuse pods of the mesh that the webhook has not seen'),
    seal: flag(true, 'refuse changes of the answer after the creation'),
    fence: flag(true, "refuse writes of an agent's account beyond its node"),
  }),
  cni: group('the agent on each node', {
    enabled: flag(true, 'does it exist?'),
    namespace: text('', 'its namespace, which must allow privileged pods; empty: that of the release'),
    cniBinDir: text('', "where the runtime looks for plugins; empty: as the platform's"),
    cniConfDir: text('', "where the runtime's CNI configuration is; empty: as the platform's"),
    cniNetnsDir: text('', "where the runtime mounts network namespaces; empty: as the platform's"),
    cniConfFileName: text(
      '',
      'name of the CNI configuration that the entry goes into; empty: the one that the runtime uses',
    ),
    chained: Type.Unsafe<unknown>({
      type: ['boolean', 'null'],
      default: null,
      description:
        "is the entry added to that configuration? false: it stands alone, for Multus; null: as the platform's",
    }),
    istioOwnedCNIConfig: flag(false, 'put the entry into a copy that sorts first, and leave the configuration alone'),
    istioOwnedCNIConfigFileName: text('02-sluice-cni.conflist', 'name of that copy'),
    excludeNamespaces: parts(['kube-system'], 'namespaces whose pods are never touched'),
    ambient: group('ambient mode', {
      enabled: flag(true, 'does the agent do ambient?'),
      dnsCapture: flag(true, 'is DNS of ambient pods sent to ztunnel, where the pod says nothing?'),
      awsBranchEni: flag(
        true,
        'are ip rules made for the probes of ambient pods with a branch interface in AWS, where tcp_early_demux is 0?',
      ),
      enablementSelectors: parts(
        [],
        "who is for ambient, as a list of {podSelector, namespaceSelector}; empty: as in Istio's chart; the webhook's policy gets the same",
      ),
    }),
    backend: oneOf(
      ['auto', ...BACKENDS],
      'how rules are made; auto takes the first whose rules traffic follows; iptables-legacy adds the capability NET_RAW',
    ),
    sweepSeconds: count(300, 'how often every pod that should be redirected is measured'),
    sysPtrace: flag(
      false,
      'grant SYS_PTRACE, to find namespaces of running pods that neither journal nor runtime shows',
    ),
    resources: resources('50m', '100Mi', '256Mi'),
    priorityClassName: text('system-node-critical', 'priority class of the pods'),
    terminationGracePeriodSeconds: count(30, 'how long a pod may take to stop'),
    tolerations: parts([{ operator: 'Exists' }], 'taints that are tolerated: an agent must run on every node'),
    updateStrategy: part({ type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } }, 'how agents are updated'),
    seccompProfile: part({ type: 'RuntimeDefault' }, 'seccomp profile of the container'),
    appArmorProfile: part(
      {},
      "AppArmor profile of the container; empty: the runtime's, which lets the agent do its work; {type: Unconfined} where yours does not",
    ),
    resourceQuotas: group('ResourceQuota, which GKE wants for critical pods', {
      enabled: flag(false, 'does it exist? On platform gke it always does'),
      pods: count(5000, 'how many critical pods'),
    }),
    ...placing,
  }),
  networkPolicy: group('NetworkPolicies of webhook and agent', { enabled: flag(true, 'do they exist?') }),
  serviceMonitor: group('ServiceMonitor and PodMonitor of the Prometheus operator', {
    enabled: flag(false, 'do they exist?'),
    labels: part({}, 'labels added to them'),
    interval: text('30s', 'how often metrics are read'),
  }),
  prometheusRule: group('alerts, docs/alerts.md', {
    enabled: flag(false, 'do they exist?'),
    labels: part({}, 'labels added to the rules'),
  }),
  dashboard: group('a Grafana dashboard as ConfigMap', {
    enabled: flag(false, 'does it exist?'),
    labels: part({ grafana_dashboard: '1' }, 'labels that the importer looks for'),
  }),
})
