import type { Json, JsonObject } from '../json/value.ts'
import { isObject } from '../json/value.ts'
import type { MeshSettings } from './mesh-settings.ts'
import type { ProxyConfigResource } from './proxy-config-resource.ts'
import { DEFAULT_PROXY_CONFIG, mergeProxyConfig } from './proxy-config.ts'

/** What of a pod decides its ProxyConfig. */
export interface ProxyConfigSubject {
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
  /** the layer of the annotation `proxy.istio.io/config`; empty where there is none */
  readonly annotation: JsonObject
}

/**
 * The ProxyConfig of a pod as canonical proto-JSON: built-in, mesh, resource of the root namespace, of the pod's namespace,
 * annotation, resource that selects the pod; the later wins (injector.md §5).
 */
export function effectiveProxyConfig(settings: MeshSettings, subject: ProxyConfigSubject): JsonObject {
  const { rootNamespace, defaultConfig } = settings.meshFields
  const resources = settings.proxyConfigResources
  const ofNamespace = resources.filter((resource) => resource.namespace === subject.namespace)
  const whole = (resource: ProxyConfigResource): boolean => resource.matchLabels === undefined
  const layers = [
    layerOf(resources.find((resource) => resource.namespace === rootNamespace && whole(resource))),
    subject.namespace === rootNamespace ? undefined : layerOf(ofNamespace.find(whole)),
    subject.annotation,
    layerOf(ofNamespace.find((resource) => selects(resource, subject.labels))),
  ]
  return layers.reduce<JsonObject>(
    (lower, upper) => (upper === undefined ? lower : mergeProxyConfig(lower, upper)),
    defaultConfig,
  )
}

function selects(resource: ProxyConfigResource, labels: Readonly<Record<string, string>>): boolean {
  const wanted = Object.entries(resource.matchLabels ?? {})
  return wanted.length > 0 && wanted.every(([key, value]) => labels[key] === value)
}

/** Only these three fields of a resource count; one of them has another name in ProxyConfig proper. */
function layerOf(resource: ProxyConfigResource | undefined): JsonObject | undefined {
  if (resource === undefined) return undefined
  const { concurrency, image, environmentVariables } = resource.spec
  const layer: Record<string, Json> = {}
  if (concurrency !== undefined) layer['concurrency'] = concurrency
  if (image !== undefined) layer['image'] = image
  if (environmentVariables !== undefined) layer['proxyMetadata'] = environmentVariables
  return layer
}

/**
 * `proxyConfig` as the variable PROXY_CONFIG carries it to the proxy: compact JSON of what differs from the built-in
 * default, and a line feed as Istio's ends in one.
 */
export function proxyConfigText(proxyConfig: JsonObject): string {
  const different = Object.entries(proxyConfig).filter(
    ([key, value]) => value !== DEFAULT_PROXY_CONFIG[key] && !isEmptyMap(key, value),
  )
  return `${JSON.stringify(Object.fromEntries(different))}\n`
}

function isEmptyMap(key: string, value: unknown): boolean {
  return key === 'proxyMetadata' && isObject(value) && Object.keys(value).length === 0
}
