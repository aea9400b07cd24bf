import {
  isList,
  isObject,
  type Json,
  type JsonObject,
  objectOr,
  objectsOf,
  stringOr,
} from '../../../src/core/json/value.ts'

/** Where a quirk makes Sluice's result another one on purpose, told by the input of a case. */
interface Foreseen {
  /** the number in docs/differences-from-istio.md */
  readonly quirk: string
  readonly when: (golden: JsonObject) => boolean
  /** each line of the difference that the quirk explains */
  readonly lines: RegExp
}

const PROXY = 'istio-proxy'
const PROBE = String.raw`(livenessProbe|readinessProbe|startupProbe|lifecycle)\b`
const PROBERS = String.raw`\.env(:|\[\d+ ISTIO_KUBE_APP_PROBERS\])`

const OUTBOUND_PORTS = 'traffic.sidecar.istio.io/includeOutboundPorts'
const NETWORKS = 'k8s.v1.cni.cncf.io/networks'
const WRITTEN = String.raw`^metadata\.annotations\.'(sidecar\.istio\.io/status|proxy\.istio\.io/overrides)'`
/** what mode cni writes into annotations */
const OF_NODE = String.raw`^metadata\.annotations\.'((traffic\.)?sidecar\.istio\.io/(interceptionMode|(in|ex)clude[A-Za-z]+)|k8s\.v1\.cni\.cncf\.io/networks)'`

/** Differences of the injection that no name in differences.tsv stands for: a directory may hold cases beside the known ones. */
export const INJECTION_QUIRKS: readonly Foreseen[] = [
  {
    quirk: '1',
    when: comesAgain,
    lines: new RegExp(
      `istio-(proxy|init|validation)|^spec\\.(containers|initContainers|volumes)\\b|${WRITTEN}|${OF_NODE}`,
    ),
  },
  {
    quirk: '3',
    when: (golden) => annotationsOf(golden['pod'])['sidecar.istio.io/status'] !== undefined && !comesAgain(golden),
    lines: new RegExp(`${WRITTEN}|default-(logs-)?container'|\\[\\d+ (ISTIO_META_|ISTIO_KUBE_APP_PROBERS|OTEL_)`),
  },
  {
    quirk: '4',
    when: ({ pod, meshConfig }) =>
      annotationsOf(pod)['sidecar.istio.io/interceptionMode'] === 'REDIRECT' &&
      objectOr(objectOr(meshConfig)['defaultConfig'])['interceptionMode'] === 'TPROXY' &&
      containersOf(pod).some(isProxy),
    lines: /istio-(proxy|validation)\]\.securityContext\.runAs/,
  },
  {
    quirk: '6',
    when: (golden) => handlersOf(golden).some(([container, port]) => isLost(golden, container, port)),
    lines: new RegExp(String.raw`^spec\.(initC|c)ontainers\[(\d+ )?[^\]]+\]\.(${PROBE}|env\b)`),
  },
  {
    quirk: '7',
    when: ({ pod }) => {
      const port = annotationsOf(pod)['status.sidecar.istio.io/port']
      return typeof port === 'string' && port !== '' && (port.trim() !== port || Number(port) === 0)
    },
    lines: new RegExp(String.raw`\.${PROBE}|${PROBERS}`),
  },
  {
    quirk: '12',
    when: ({ pod, proxyConfig }) =>
      Object.entries(objectOr(objectOr(proxyConfig)['proxyMetadata'])).some(
        ([name, value]) => isOtherInYaml(name) || /["\\\n]/.test(stringOr(value) ?? ''),
      ) || /proxyMetadata[^]*["\\]/.test(stringOr(annotationsOf(pod)['proxy.istio.io/config']) ?? ''),
    lines: /^outcome: expected "error", got "injected"$|\.env(:|\[)/,
  },
  {
    quirk: '13',
    when: ({ injected }) => objectsOf(objectOr(objectOr(injected)['spec'])['volumes']).some(isOfTwoSources),
    lines: /^outcome: expected "injected", got "error"$|^error: .*"volume_name_taken"/,
  },
  {
    quirk: '16',
    when: ({ pod }) => containersOf(pod).some((one) => one['name'] === PROXY && handlers(one).length > 0),
    lines: new RegExp(String.raw`\[(\d+ )?${PROXY}\]\.${PROBE}`),
  },
  {
    quirk: '18',
    when: ({ pod, injected }) =>
      [pod, injected].some((one) => containersOf(one).filter(({ name }) => name === PROXY).length > 1) ||
      (stringOr(annotationsOf(injected)['sidecar.istio.io/status'])?.split(`"${PROXY}"`).length ?? 0) > 2 ||
      objectsOf(objectOr(objectOr(pod)['spec'])['initContainers']).some(({ name }) => name === PROXY),
    lines: /istio-proxy|^metadata\.annotations\.'(proxy\.istio\.io\/overrides|sidecar\.istio\.io\/status)'/,
  },
  {
    quirk: '31',
    when: ({ pod }) => isEmptyList(annotationsOf(pod)[NETWORKS]),
    lines: /^metadata\.annotations\.'k8s\.v1\.cni\.cncf\.io\/networks'/,
  },
  {
    quirk: '35',
    when: ({ pod }) => containersOf(pod).some(hasPortTwice),
    lines: /\.ports(:|\[)/,
  },
  {
    quirk: '40',
    when: ({ documents }) => objectsOf(documents).some(({ kind }) => kind === 'CronJob'),
    lines: /^\[\d+\]\.spec\.jobTemplate\.(spec\.template\.)?metadata\b/,
  },
  {
    quirk: 'other pods',
    when: ({ pod }) =>
      (stringOr(objectOr(objectOr(objectOr(pod)['spec'])['os'])['name']) ?? 'linux') !== 'linux' ||
      annotationsOf(pod)['kubernetes.io/config.mirror'] !== undefined,
    lines: /^outcome: expected "injected", got "skipped"$/,
  },
  {
    quirk: 'proxyImage',
    when: ({ pod }) => stringOr(annotationsOf(pod)['sidecar.istio.io/proxyImage'])?.includes('/') === false,
    lines: /^spec\.(initC|c)ontainers\[(\d+ )?istio-(proxy|init|validation)\]\.image: expected "[^"]+\/[^"]+:[^"/]+:/,
  },
  {
    quirk: 'overrides',
    when: ({ pod }) => annotationsOf(pod)['proxy.istio.io/overrides'] !== undefined,
    lines: new RegExp(`${WRITTEN}|istio-(proxy|init|validation)\\]`),
  },
  {
    quirk: 'offline',
    when: ({ documents }) => objectsOf(documents).some(({ kind }) => kind === 'Rollout'),
    lines: /^\[\d+\]\.spec\.template\b/,
  },
  {
    quirk: 'cni 23',
    when: ({ pod, values }) =>
      objectOr(objectOr(objectOr(values)['pilot'])['cni'])['enabled'] === true &&
      /[^\d, ]|\d{5}/.test(stringOr(annotationsOf(pod)[OUTBOUND_PORTS]) ?? ''),
    lines: /^outcome: expected "injected", got "error"$|^error: .*"intent_invalid"/,
  },
]

/** The same for the tables of functions. */
export const FUNCTION_QUIRKS: readonly Foreseen[] = [
  { quirk: '31', when: ({ existing }) => isEmptyList(existing), lines: /^result: / },
]

/** The same for a pod as the node meets it. */
export const PLUGIN_QUIRKS: readonly Foreseen[] = [
  {
    quirk: '15',
    when: ({ pod }) => annotationsOfPlugin(pod)['sidecar.istio.io/interceptionMode'] === 'NONE',
    lines: /^action: expected "error", got "skip"$/,
  },
  {
    quirk: 'cni 25',
    when: ({ localIPs }) => ['.', ':'].every((sign) => textsOf(localIPs).some((address) => address.includes(sign))),
    lines: /^iptables\.families\[1\]: expected nothing, got 6$/,
  },
]

/** Is each of `lines`, the difference of a case from Istio, explained by a quirk that `input` shows? */
export function explains(quirks: readonly Foreseen[], input: JsonObject, lines: readonly string[]): boolean {
  const shown = quirks.filter(({ when }) => when(input))
  return lines.every((line) => shown.some((quirk) => quirk.lines.test(line)))
}

function comesAgain({ pod }: JsonObject): boolean {
  return annotationsOf(pod)['sidecar.istio.io/status'] !== undefined && containersOf(pod).some(isProxy)
}

function isProxy({ name }: JsonObject): boolean {
  return name === PROXY
}

function isEmptyList(text: Json | undefined): boolean {
  return /^\s*\[\s*\]\s*$/.test(stringOr(text) ?? '')
}

/** A text that YAML takes for a boolean, a number or nothing. */
function isOtherInYaml(text: string): boolean {
  return /^(y|yes|n|no|on|off|true|false|null|~|[-+.\d][\d._eExXoO+-]*)$/i.test(text)
}

function isOfTwoSources(volume: JsonObject): boolean {
  return Object.keys(volume).length > 2
}

function hasPortTwice(container: JsonObject): boolean {
  const ports = objectsOf(container['ports']).map((port) => port['containerPort'])
  return new Set(ports).size < ports.length
}

/** Each container's checks over HTTP and TCP, with their ports. */
function handlersOf({ pod }: JsonObject): readonly (readonly [JsonObject, Json])[] {
  return containersOf(pod)
    .filter((container) => !isProxy(container))
    .flatMap((container) => handlers(container).map((port) => [container, port] as const))
}

function handlers(container: JsonObject): readonly Json[] {
  const { livenessProbe, readinessProbe, startupProbe, lifecycle } = container
  const { preStop, postStart } = objectOr(lifecycle)
  return [livenessProbe, readinessProbe, startupProbe, preStop, postStart].flatMap((handler) => {
    const { httpGet, tcpSocket, exec } = objectOr(handler)
    const action = httpGet ?? tcpSocket
    if (isObject(action)) return [action['port'] ?? null]
    return isObject(exec) ? [null] : []
  })
}

/** A check that the agent cannot do: its port has an unknown name, or is the agent's own. */
function isLost({ meshConfig }: JsonObject, container: JsonObject, port: Json): boolean {
  if (typeof port === 'string') return !objectsOf(container['ports']).some(({ name }) => name === port)
  return port === (objectOr(objectOr(meshConfig)['defaultConfig'])['statusPort'] ?? 15020)
}

function containersOf(pod: Json | undefined): readonly JsonObject[] {
  const { initContainers, containers } = objectOr(objectOr(pod)['spec'])
  return [...objectsOf(initContainers), ...objectsOf(containers)]
}

function annotationsOf(pod: Json | undefined): JsonObject {
  return objectOr(objectOr(objectOr(pod)['metadata'])['annotations'])
}

function annotationsOfPlugin(pod: Json | undefined): JsonObject {
  return objectOr(objectOr(pod)['annotations'])
}

function textsOf(value: Json | undefined): readonly string[] {
  return isList(value) ? value.filter((one) => typeof one === 'string') : []
}
