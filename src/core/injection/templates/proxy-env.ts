import type { JsonObject } from '../../json/value.ts'
import { objectOr, objectsOf, stringMap, stringOr } from '../../json/value.ts'
import { proxyConfigText } from '../../settings/effective-proxy-config.ts'
import { CONTAINERS } from '../../vocabulary/names.ts'
import { annotation, containersOf } from '../pod-parts.ts'
import { ownerUrl } from '../workload.ts'
import { jsonAnnotation } from './json-annotation.ts'
import type { TemplateInput } from './template.ts'

/** Variables of the proxy's environment; each function gives the ones of one concern, in Istio's order. */
type Env = readonly JsonObject[]

function variable(name: string, value: string): JsonObject {
  return { name, value }
}

function fromField(name: string, fieldPath: string): JsonObject {
  return { name, valueFrom: { fieldRef: { fieldPath } } }
}

function fromResource(name: string, resource: string): JsonObject {
  return { name, valueFrom: { resourceFieldRef: { resource, divisor: '1' } } }
}

/** How the agent reaches the application for its probes. */
export function probeHostEnv(input: TemplateInput): Env {
  const { inboundLocalhost } = input.context.settings.meshFields
  return inboundLocalhost ? [variable('REWRITE_PROBE_LEGACY_LOCALHOST_DESTINATION', 'true')] : []
}

/** Who signs, and who the pod is. */
export function identityEnv(input: TemplateInput): Env {
  const { global, revision } = input.context.settings.injectorValues
  const istiod = revision === '' ? 'istiod' : `istiod-${revision}`
  return [
    variable('PILOT_CERT_PROVIDER', global.pilotCertProvider),
    variable('CA_ADDR', global.caAddress || `${istiod}.${global.istioNamespace}.svc:15012`),
    fromField('POD_NAME', 'metadata.name'),
    fromField('POD_NAMESPACE', 'metadata.namespace'),
    fromField('INSTANCE_IP', 'status.podIP'),
    fromField('SERVICE_ACCOUNT', 'spec.serviceAccountName'),
    fromField('HOST_IP', 'status.hostIP'),
  ]
}

export const CPU_LIMIT_ENV: Env = [fromResource('ISTIO_CPU_LIMIT', 'limits.cpu')]
export const MEMORY_LIMIT_ENV: Env = [fromResource('GOMEMLIMIT', 'limits.memory')]

/** What the proxy is told about itself and about the ports of the pod. */
export function proxyConfigEnv(input: TemplateInput): Env {
  const ports = containersOf(input.pod, 'containers').flatMap((container) => objectsOf(container['ports']))
  return [
    variable('PROXY_CONFIG', proxyConfigText(input.proxyConfig)),
    variable('ISTIO_META_POD_PORTS', JSON.stringify(ports)),
  ]
}

export function appContainersEnv(input: TemplateInput): Env {
  return [variable('ISTIO_META_APP_CONTAINERS', appNames(input.pod).join(','))]
}

/** The regular containers but the proxy, by name, in order. */
export function appNames(pod: JsonObject): readonly string[] {
  return containersOf(pod, 'containers')
    .map((container) => stringOr(container['name']) ?? '')
    .filter((name) => name !== CONTAINERS.proxy)
}

export function complianceEnv(input: TemplateInput): Env {
  const { compliancePolicy } = input.context.settings
  if (compliancePolicy === '') return []
  const strict = compliancePolicy === 'fips-140-3' ? [variable('GODEBUG', 'fips140=only')] : []
  return [variable('COMPLIANCE_POLICY', compliancePolicy), ...strict]
}

export function clusterEnv(input: TemplateInput): Env {
  const { clusterName } = input.context.settings.injectorValues.global.multiCluster
  return [
    variable('ISTIO_META_CLUSTER_ID', clusterName || 'Kubernetes'),
    fromField('ISTIO_META_NODE_NAME', 'spec.nodeName'),
  ]
}

export function interceptionEnv(mode: string): Env {
  return [variable('ISTIO_META_INTERCEPTION_MODE', mode)]
}

export function networkEnv(input: TemplateInput): Env {
  return unlessBlankValue('ISTIO_META_NETWORK', input.context.settings.injectorValues.global.network)
}

/** The workload as telemetry reports it; `name` may be another than the owner's. */
export function workloadEnv(input: TemplateInput, name: string): Env {
  const { workload, context } = input
  const owner = workload.name === '' ? '' : ownerUrl(workload, context.podNamespace)
  return [...unlessBlankValue('ISTIO_META_WORKLOAD_NAME', name), ...unlessBlankValue('ISTIO_META_OWNER', owner)]
}

export function bootstrapEnv(input: TemplateInput): Env {
  const path = '/etc/istio/custom-bootstrap/custom_bootstrap.json'
  const asked = annotation(input.pod, 'sidecar.istio.io/bootstrapOverride') !== undefined
  return asked ? [variable('ISTIO_BOOTSTRAP_OVERRIDE', path)] : []
}

/** The mesh that the pod belongs to. */
export function meshEnv(input: TemplateInput): Env {
  const { injectorValues, meshFields } = input.context.settings
  const trustDomain = meshFields.trustDomain || injectorValues.global.trustDomain
  return [
    ...unlessBlankValue('ISTIO_META_MESH_ID', injectorValues.global.meshID || trustDomain),
    ...unlessBlankValue('TRUST_DOMAIN', trustDomain),
  ]
}

/** What the tracer of Datadog asks for, as the pod annotates it. */
export function datadogEnv(input: TemplateInput, template: string): Env {
  if (input.context.settings.injectorValues.global.proxy.tracer !== 'datadog') return []
  const entries = jsonAnnotation(input.pod, 'apm.datadoghq.com/env', template)
  return entries.map(([name, value]) => variable(name, typeof value === 'string' ? value : JSON.stringify(value)))
}

/** The environment that ProxyConfig gives, sorted by name; values are data, whatever they contain (quirk 12). */
export function metadataEnv(input: TemplateInput): Env {
  return Object.entries(stringMap(objectOr(input.proxyConfig['proxyMetadata'])))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => variable(name, value))
}

function unlessBlankValue(name: string, value: string): Env {
  return value === '' ? [] : [variable(name, value)]
}
