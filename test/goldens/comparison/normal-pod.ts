import { isList, isObject, type Json, type JsonObject } from '../../../src/core/json/value.ts'
import { canonicalQuantity } from '../../../src/core/json/quantity.ts'

/** What Sluice adds of its own is left out of a comparison with Istio's cases. */
const OWN_PREFIX = 'sluice-mesh.io/'

const JSON_ENV = new Set([
  'PROXY_CONFIG',
  'ISTIO_META_POD_PORTS',
  'ISTIO_KUBE_APP_PROBERS',
  'ISTIO_PROMETHEUS_ANNOTATIONS',
])

const CONTAINER_LISTS = new Set(['containers', 'initContainers', 'ephemeralContainers'])

/**
 * A pod or a pod template as the goldens compare it: what is free (spelling of quantities, white space of embedded JSON,
 * absent where empty says the same) is brought to one form, everything else stays as it is.
 */
export function normalPod(pod: JsonObject): JsonObject {
  return entries(pod, (key, value) => {
    if (key === 'metadata' && isObject(value)) return normalMetadata(value)
    if (key === 'spec' && isObject(value)) return normalSpec(value)
    if (key === 'status' && isEmpty(value)) return undefined
    return value
  })
}

/** `metadata` of a pod, a pod template or a job template. */
export function normalMetadata(metadata: JsonObject): JsonObject {
  return entries(metadata, (key, value) => {
    if (key === 'annotations' && isObject(value)) return ofIstio(value, normalAnnotation)
    if (key === 'labels' && isObject(value)) return ofIstio(value, (_name, label) => label)
    if (key === 'creationTimestamp' && isEmpty(value)) return undefined
    return value
  })
}

/** Labels or annotations less Sluice's own; undefined where these were all. */
function ofIstio(there: JsonObject, change: (name: string, value: Json) => Json): JsonObject | undefined {
  const rest = entries(there, (name, value) => (name.startsWith(OWN_PREFIX) ? undefined : change(name, value)))
  return Object.keys(rest).length === 0 && Object.keys(there).length > 0 ? undefined : rest
}

function normalAnnotation(name: string, value: Json): Json {
  if (name === 'sidecar.istio.io/status') return normalStatus(embedded(value))
  if (name === 'proxy.istio.io/overrides') return normalSpec(embedded(value))
  return value
}

/** In the status, null and the empty list are equal. */
function normalStatus(status: Json): Json {
  return isObject(status)
    ? entries(status, (_key, value) => (isList(value) && value.length === 0 ? null : value))
    : status
}

function normalSpec(spec: Json): Json {
  if (!isObject(spec)) return spec
  return entries(spec, (key, value) => {
    if (CONTAINER_LISTS.has(key) && isList(value)) return value.length === 0 ? undefined : value.map(normalContainer)
    if (key === 'volumes' && isList(value)) return value.map(normalVolume)
    if (key === 'overhead') return quantities(value)
    if (key === 'resources' && isObject(value)) return entries(value, normalResources)
    return value
  })
}

function normalContainer(container: Json): Json {
  if (!isObject(container)) return container
  return entries(container, (key, value) => {
    if (key === 'env' && isList(value)) return value.length === 0 ? undefined : value.map(normalEnv)
    if (key === 'resources' && isObject(value)) return isEmpty(value) ? undefined : entries(value, normalResources)
    return value
  })
}

function normalResources(key: string, value: Json): Json {
  return key === 'limits' || key === 'requests' ? quantities(value) : value
}

function normalEnv(env: Json): Json {
  if (!isObject(env)) return env
  const json = typeof env['name'] === 'string' && JSON_ENV.has(env['name'])
  return entries(env, (key, value) => {
    if (key === 'value') return value === '' ? undefined : json ? withoutNullService(embedded(value)) : value
    if (key === 'valueFrom' && isObject(value)) return entries(value, normalSource)
    return value
  })
}

function normalSource(key: string, value: Json): Json {
  if (key !== 'resourceFieldRef' || !isObject(value)) return value
  return entries(value, (field, inner) => (field === 'divisor' ? canonicalQuantity(inner) : inner))
}

/** In the recorded probes `"service": null` equals an absent `service`. */
function withoutNullService(value: Json): Json {
  if (isList(value)) return value.map(withoutNullService)
  if (!isObject(value)) return value
  return entries(value, (key, inner) => (key === 'service' && inner === null ? undefined : withoutNullService(inner)))
}

/** A volume that has only a name is an `emptyDir`: the API server makes it so. */
function normalVolume(volume: Json): Json {
  if (!isObject(volume)) return volume
  if (Object.keys(volume).join() === 'name') return { ...volume, emptyDir: {} }
  return entries(volume, (key, value) => {
    if (key !== 'emptyDir' || !isObject(value)) return value
    return entries(value, (field, inner) => (field === 'sizeLimit' ? canonicalQuantity(inner) : inner))
  })
}

function quantities(value: Json): Json {
  return isObject(value) ? entries(value, (_name, quantity) => canonicalQuantity(quantity)) : value
}

/** The value of JSON inside a string; text that is none as it is. */
function embedded(value: Json): Json {
  if (typeof value !== 'string') return value
  try {
    return JSON.parse(value) as Json
  } catch {
    return value
  }
}

export function isEmpty(value: Json): boolean {
  return value === null || (isObject(value) && Object.keys(value).length === 0)
}

/** `object` with each value as `change` makes it; undefined leaves the key out. */
export function entries(object: JsonObject, change: (key: string, value: Json) => Json | undefined): JsonObject {
  return Object.fromEntries(
    Object.entries(object).flatMap(([key, value]) => {
      const changed = value === undefined ? undefined : change(key, value)
      return changed === undefined ? [] : [[key, changed] as const]
    }),
  )
}
