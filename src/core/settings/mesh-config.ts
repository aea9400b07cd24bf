import type { Json, JsonObject } from '../json/value.ts'
import { isObject, objectOr, objectsOf, stringOr } from '../json/value.ts'
import { DEFAULT_PROXY_CONFIG, mergeProxyConfig, readProxyConfig } from './proxy-config.ts'
import { count, flag, listOf, map, optionalMap, text } from './reader.ts'

/** Istio's built-in MeshConfig (injector.md §5); `defaultConfig` stands beside the ProxyConfig. */
const DEFAULT_MESH_CONFIG: JsonObject = {
  connectTimeout: '10s',
  defaultDestinationRuleExportTo: ['*'],
  defaultProviders: { metrics: ['prometheus'] },
  defaultServiceExportTo: ['*'],
  defaultVirtualServiceExportTo: ['*'],
  dnsRefreshRate: '60s',
  enableAutoMtls: true,
  enablePrometheusMerge: true,
  enableTracing: true,
  extensionProviders: [
    { name: 'prometheus', prometheus: {} },
    { name: 'stackdriver', stackdriver: {} },
    { name: 'envoy', envoyFileAccessLog: { path: '/dev/stdout' } },
  ],
  inboundTrafficPolicy: {},
  ingressClass: 'istio',
  ingressControllerMode: 'STRICT',
  ingressService: 'istio-ingressgateway',
  localityLbSetting: { enabled: true },
  outboundTrafficPolicy: { mode: 'ALLOW_ANY' },
  protocolDetectionTimeout: '0s',
  proxyInboundListenPort: 15006,
  proxyListenPort: 15001,
  rootNamespace: 'istio-system',
  trustDomain: 'cluster.local',
}

/** The fields of MeshConfig that injection reads, typed. */
export interface MeshFields {
  readonly proxyListenPort: number
  readonly proxyInboundListenPort: number
  readonly trustDomain: string
  readonly rootNamespace: string
  readonly enablePrometheusMerge: boolean
  /** `inboundTrafficPolicy.mode` is LOCALHOST: the proxy reaches the application on localhost */
  readonly inboundLocalhost: boolean
  /** a provider enriches spans by OpenTelemetry's semantic conventions */
  readonly otelSemanticConventions: boolean
  /** canonical; the lowest layer of every pod's ProxyConfig */
  readonly defaultConfig: JsonObject
  /** where the agents of the mesh listen unless a pod says otherwise */
  readonly statusPort: number
}

/** The effective MeshConfig: the defaults, and the `mesh` document over them. Throws `SettingsError`. */
export function mergeMeshConfig(document: JsonObject): JsonObject {
  const merged: Record<string, Json | undefined> = { ...DEFAULT_MESH_CONFIG, ...withoutNulls(document) }
  const over = readProxyConfig(map({})(document['defaultConfig'], 'mesh.defaultConfig'), 'mesh.defaultConfig').message
  merged['defaultConfig'] = mergeProxyConfig(DEFAULT_PROXY_CONFIG, over)
  const providers = map({})(document['defaultProviders'], 'mesh.defaultProviders')
  merged['defaultProviders'] = { ...objectOr(DEFAULT_MESH_CONFIG['defaultProviders']), ...providers }
  merged['extensionProviders'] = mergeByName(
    objectsOf(DEFAULT_MESH_CONFIG['extensionProviders']),
    listOf(map({}))(document['extensionProviders'], 'mesh.extensionProviders'),
  )
  const aliases = listOf(text(''))(document['trustDomainAliases'], 'mesh.trustDomainAliases')
  if (aliases.length > 0) merged['trustDomainAliases'] = [...new Set(aliases)].toSorted()
  return merged
}

function withoutNulls(document: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(document).filter(([, value]) => value !== null))
}

/** Providers of the same name are replaced where they stand; others follow. */
function mergeByName(lower: readonly JsonObject[], upper: readonly JsonObject[]): readonly JsonObject[] {
  const byName = new Map(lower.map((provider) => [stringOr(provider['name']) ?? '', provider]))
  for (const provider of upper) byName.set(stringOr(provider['name']) ?? '', provider)
  return [...byName.values()]
}

/** The typed fields of an effective MeshConfig. Throws `SettingsError` with the field's path. */
export function readMeshFields(mesh: JsonObject): MeshFields {
  const policy = optionalMap(mesh['inboundTrafficPolicy'], 'mesh.inboundTrafficPolicy')
  const defaultConfig = objectOr(mesh['defaultConfig'])
  const statusPort = defaultConfig['statusPort']
  return {
    // 0 is "not set" in a protobuf message
    proxyListenPort: count(0, 65535)(mesh['proxyListenPort'], 'mesh.proxyListenPort') || 15001,
    proxyInboundListenPort: count(0, 65535)(mesh['proxyInboundListenPort'], 'mesh.proxyInboundListenPort') || 15006,
    trustDomain: text('')(mesh['trustDomain'], 'mesh.trustDomain'),
    rootNamespace: text('')(mesh['rootNamespace'], 'mesh.rootNamespace'),
    enablePrometheusMerge: flag(true)(mesh['enablePrometheusMerge'], 'mesh.enablePrometheusMerge'),
    inboundLocalhost: isEnum(policy?.['mode'], 'LOCALHOST'),
    otelSemanticConventions: objectsOf(mesh['extensionProviders']).some(enrichesBySemanticConventions),
    defaultConfig,
    statusPort: typeof statusPort === 'number' ? statusPort : 0,
  }
}

function enrichesBySemanticConventions(provider: JsonObject): boolean {
  const otel = provider['opentelemetry']
  return isObject(otel) && isEnum(otel['serviceAttributeEnrichment'], 'OTEL_SEMANTIC_CONVENTIONS')
}

/** Is `value` this name of an enum of two? JSON of a protobuf message may also say it by its number, which is 1 for both that count. */
function isEnum(value: Json | undefined, name: string): boolean {
  return value === name || value === 1
}
