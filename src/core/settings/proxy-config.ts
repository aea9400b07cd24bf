import type { Json, JsonObject } from '../json/value.ts'
import { isObject, objectOr } from '../json/value.ts'
import type { ProtoReading } from './proto-json.ts'
import { readMessage } from './proto-json.ts'
import { PROXY_CONFIG_FIELDS } from './proxy-config-fields.ts'
import { nameOf } from './reader.ts'
import { SettingsError } from './settings-error.ts'
import { parseYaml } from './yaml.ts'

/** Istio's built-in ProxyConfig, less what has its zero value (injector.md §5). */
export const DEFAULT_PROXY_CONFIG: JsonObject = {
  configPath: './etc/istio/proxy',
  binaryPath: '/usr/local/bin/envoy',
  serviceCluster: 'istio-proxy',
  drainDuration: '45s',
  terminationDrainDuration: '5s',
  proxyAdminPort: 15000,
  controlPlaneAuthPolicy: 'MUTUAL_TLS',
  discoveryAddress: 'istiod.istio-system.svc:15012',
  statNameLength: 189,
  statusPort: 15020,
}

/** The parts of `proxyHeaders` that an upper layer without them leaves as they are. */
const KEPT_PROXY_HEADERS = ['attemptCount', 'envoyDebugHeaders', 'metadataExchangeHeaders', 'requestId', 'server']

/** A layer that says nothing. */
export const EMPTY_LAYER: ProtoReading = { message: {}, unknown: [], zeros: [] }

/** One layer of ProxyConfig, from a map; `path` begins the fields that an error names. Throws `SettingsError`. */
export function readProxyConfig(layer: JsonObject, path: string): ProtoReading {
  return readMessage(layer, PROXY_CONFIG_FIELDS, path)
}

/** One layer of ProxyConfig, from the YAML or JSON of the annotation `proxy.istio.io/config`. Throws `SettingsError`. */
export function parseProxyConfig(text: string): ProtoReading {
  let value: Json
  try {
    value = parseYaml(text)
  } catch (cause) {
    throw new SettingsError('', 'is neither YAML nor JSON', { cause })
  }
  if (value === null) return EMPTY_LAYER
  if (!isObject(value)) throw new SettingsError('', `must be a map, not ${nameOf(value)}`)
  return readProxyConfig(value, '')
}

/**
 * `upper` over `lower`, both canonical: what `upper` has replaces, also lists and whole messages; `proxyMetadata` merges by
 * key and some parts of `proxyHeaders` stay. A zero value is absent in canonical form and so cannot override (quirk 33).
 */
export function mergeProxyConfig(lower: JsonObject, upper: JsonObject): JsonObject {
  const merged: Record<string, Json | undefined> = { ...lower, ...upper }
  // a choice: the message holds one of the two at most
  if (upper['tracingServiceName'] !== undefined) delete merged['serviceCluster']
  else if (upper['serviceCluster'] !== undefined) delete merged['tracingServiceName']
  if (lower['proxyMetadata'] !== undefined && upper['proxyMetadata'] !== undefined) {
    const metadata = Object.create(null) as Record<string, Json>
    merged['proxyMetadata'] = Object.assign(metadata, lower['proxyMetadata'], upper['proxyMetadata'])
  }
  if (lower['proxyHeaders'] !== undefined && upper['proxyHeaders'] !== undefined) {
    const kept = Object.entries(objectOr(lower['proxyHeaders'])).filter(([key]) => KEPT_PROXY_HEADERS.includes(key))
    merged['proxyHeaders'] = { ...Object.fromEntries(kept), ...objectOr(upper['proxyHeaders']) }
  }
  return merged
}
