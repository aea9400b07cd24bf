import type { Json, JsonObject } from '../json/value.ts'
import { isObject } from '../json/value.ts'
import { asGiven, count, flag, listOf, map, optionalMap, optionalText, shape, text } from './reader.ts'
import type { Reader } from './reader.ts'

const DEFAULT_RESOURCES: JsonObject = {
  requests: { cpu: '100m', memory: '128Mi' },
  limits: { cpu: '2000m', memory: '1024Mi' },
}

const proxy = shape({
  image: text('proxyv2'),
  clusterDomain: text('cluster.local'),
  autoInject: text('enabled'),
  logLevel: text('warning'),
  componentLogLevel: text('misc:error'),
  includeIPRanges: text('*'),
  excludeIPRanges: text(''),
  includeInboundPorts: text('*'),
  excludeInboundPorts: text(''),
  includeOutboundPorts: text(''),
  excludeOutboundPorts: text(''),
  outlierLogPath: text(''),
  privileged: flag(false),
  seccompProfile: map({}),
  capNetBindService: text(''),
  readinessInitialDelaySeconds: count(0),
  readinessPeriodSeconds: count(15),
  readinessFailureThreshold: count(4),
  startupProbe: shape({ enabled: flag(true), failureThreshold: count(600) }),
  resources: map(DEFAULT_RESOURCES),
  statusPort: count(15020, 65535),
  lifecycle: optionalMap,
  holdApplicationUntilProxyStarts: flag(false),
  tracer: text('none'),
})

const global = shape({
  // a real ConfigMap names both: these two are only for settings written by hand
  hub: text('registry.istio.io/testing'),
  tag: text('latest'),
  variant: text(''),
  imagePullPolicy: text(''),
  imagePullSecrets: listOf(text('')),
  istioNamespace: text('istio-system'),
  caAddress: text(''),
  caName: text(''),
  pilotCertProvider: text('istiod'),
  trustBundleName: optionalText,
  meshID: text(''),
  trustDomain: text(''),
  multiCluster: shape({ clusterName: text('') }),
  network: text(''),
  mountMtlsCerts: flag(false),
  sds: shape({ token: shape({ aud: text('istio-ca') }) }),
  sts: shape({ servicePort: count(0, 65535) }),
  logAsJson: flag(false),
  logging: shape({ level: text('default:info') }),
  nativeNftables: flag(false),
  proxy,
  proxy_init: shape({ image: text('proxyv2'), forceApplyIptables: flag(false) }),
})

const readInjectorValues = shape({
  revision: text(''),
  global,
  pilot: shape({
    cni: shape({ enabled: flag(false), provider: text('default') }),
    // what is no boolean refuses the pods whose proxy needs it, as in Istio, and no setting
    env: shape({ ENABLE_CLUSTER_TRUST_BUNDLE_API: asGiven }),
  }),
  gateways: shape({ securityContext: map({}), seccompProfile: map({}) }),
  sidecarInjectorWebhook: shape({
    rewriteAppHTTPProbe: flag(true),
    defaultTemplates: listOf(text('')),
    injectedAnnotations: map({}),
    neverInjectSelector: listOf(map({})),
    alwaysInjectSelector: listOf(map({})),
    templates: map({}),
  }),
})

/** The values of Istio's chart that injection reads, typed (injector.md §4). */
export type InjectorValues = typeof readInjectorValues extends Reader<infer T> ? T : never

/** The typed values of a `values` document; what it leaves out is as in Istio's chart (quirk 37). Throws `SettingsError`. */
export function parseInjectorValues(document: JsonObject): InjectorValues {
  return readInjectorValues(document, 'values')
}

/** `document` with the defaults of `values` where it says nothing: what users' own Go templates see. */
export function withDefaults(document: JsonObject, values: InjectorValues): JsonObject {
  return filled(document, values)
}

function filled(given: JsonObject, defaults: JsonObject): JsonObject {
  const out: Record<string, Json | undefined> = { ...given }
  for (const [key, otherwise] of Object.entries(defaults)) {
    const entry = given[key]
    if (entry === undefined || entry === null) {
      if (otherwise !== undefined) out[key] = isObject(otherwise) ? filled({}, otherwise) : otherwise
    } else if (isObject(entry) && isObject(otherwise)) {
      out[key] = filled(entry, otherwise)
    }
  }
  return out
}
