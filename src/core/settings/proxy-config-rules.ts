import type { JsonObject } from '../json/value.ts'
import { isObject, objectOr, stringOr } from '../json/value.ts'

/** What is wrong with one field, if anything. Paths cannot be empty here: an empty text overrides no default. */
type Rule = (config: JsonObject) => string | undefined

const PORT_MOST = 65535
/** host and port; an IPv6 host stands in brackets, and `$(HOST_IP)` is filled in by the kubelet */
const ADDRESS = /^(?:\[[0-9A-Fa-f:.%]+\]|[^\s:[\]]+):(\d{1,5})$/

const RULES: readonly Rule[] = [
  drainDuration,
  address('discoveryAddress', (config) => config['discoveryAddress'] ?? ''),
  address('statsdUdpAddress', (config) => config['statsdUdpAddress']),
  address('tracing.zipkin.address', tracer('zipkin')),
  address('tracing.lightstep.address', tracer('lightstep')),
  lightstepToken,
  address('tracing.datadog.address', tracer('datadog')),
  address('envoyMetricsService.address', remote('envoyMetricsService')),
  address('envoyAccessLogService.address', remote('envoyAccessLogService')),
  port('proxyAdminPort'),
  port('statusPort'),
]

/** What makes an effective ProxyConfig unusable, one sentence each, in a fixed order; empty where it can be used. */
export function problemsOfProxyConfig(config: JsonObject): readonly string[] {
  return RULES.map((rule) => rule(config)).filter((problem) => problem !== undefined)
}

function drainDuration(config: JsonObject): string | undefined {
  const text = stringOr(config['drainDuration']) ?? '0s'
  return /^[1-9]\d*s$/.test(text) ? undefined : `drainDuration must be whole seconds, at least 1s, not ${text}`
}

function port(name: string): Rule {
  return (config) => {
    const value = config[name] ?? 0
    const good = typeof value === 'number' && value >= 1 && value <= PORT_MOST
    return good ? undefined : `${name} must be a port from 1 to ${PORT_MOST}, not ${JSON.stringify(value)}`
  }
}

/** An address that is absent needs no check; which ones must be there, `find` says by giving an empty text. */
function address(name: string, find: (config: JsonObject) => unknown): Rule {
  return (config) => {
    const value = find(config)
    if (value === undefined) return undefined
    const found = ADDRESS.exec(typeof value === 'string' ? value : '')
    const number = Number(found?.[1] ?? 0)
    if (number >= 1 && number <= PORT_MOST) return undefined
    return `${name} must be host:port, not ${JSON.stringify(value)}`
  }
}

function tracer(kind: string): (config: JsonObject) => unknown {
  return (config) => {
    const found = objectOr(config['tracing'])[kind]
    return isObject(found) ? (found['address'] ?? '') : undefined
  }
}

function remote(name: string): (config: JsonObject) => unknown {
  return (config) => (isObject(config[name]) ? (config[name]['address'] ?? '') : undefined)
}

function lightstepToken(config: JsonObject): string | undefined {
  const found = objectOr(config['tracing'])['lightstep']
  if (!isObject(found) || (stringOr(found['accessToken']) ?? '') !== '') return undefined
  return 'tracing.lightstep.accessToken must not be empty'
}
