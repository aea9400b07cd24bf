import type { JsonObject } from '../../json/value.ts'
import { objectOr } from '../../json/value.ts'
import { CONTAINERS } from '../../vocabulary/names.ts'
import { label } from '../pod-parts.ts'
import { cniAnnotations } from './cni-annotations.ts'
import { proxyImage } from './images.ts'
import { initContainer } from './init-container.ts'
import { namedEntries } from './json-annotation.ts'
import { otelEnv } from './otel-env.ts'
import { present, unlessBlank, unlessEmpty, unlessZero } from './present.ts'
import { configuredLifecycle, METRICS_PORT, proxyArguments, readinessProbe, runs } from './proxy-container.ts'
import * as env from './proxy-env.ts'
import { resourcesOf } from './resources.ts'
import { proxySecurity } from './security-context.ts'
import type { Template, TemplateInput } from './template.ts'
import type { Traffic } from './traffic.ts'
import { hasStatusPort, statusPort, trafficOf } from './traffic.ts'
import * as volumes from './volumes.ts'
import { asLabel, canonicalName, canonicalRevision, commonAnnotations } from './workload-metadata.ts'

/** Where Envoy says whether it is ready. */
const READY_PORT = 15021

/** The proxy beside an application, and what redirects its traffic (injector.md §9). */
export const sidecar: Template = (input) => {
  const traffic = trafficOf(input)
  const init = initContainer(input, traffic)
  const proxy = proxyContainer(input, traffic)
  const inits = [...(init === undefined ? [] : [init]), ...(input.native ? [proxy] : [])]
  return {
    metadata: { labels: labels(input), annotations: annotations(input, traffic) },
    spec: present({
      initContainers: unlessEmpty(inits),
      containers: input.native ? undefined : [proxy],
      volumes: volumesOf(input),
      imagePullSecrets: unlessEmpty(volumes.pullSecrets(input)),
    }),
  }
}

function labels(input: TemplateInput): JsonObject {
  const tunnels = objectOr(input.proxyConfig['proxyMetadata'])['ISTIO_META_ENABLE_HBONE'] === 'true'
  return present({
    'security.istio.io/tlsMode': (label(input.pod, 'security.istio.io/tlsMode') ?? '') || 'istio',
    'networking.istio.io/tunnel': tunnels
      ? (label(input.pod, 'networking.istio.io/tunnel') ?? '') || 'http'
      : undefined,
    'service.istio.io/canonical-name': asLabel(canonicalName(input)),
    'service.istio.io/canonical-revision': canonicalRevision(input),
  })
}

function annotations(input: TemplateInput, traffic: Traffic): JsonObject {
  const ofNode = input.context.mode === 'cni' ? cniAnnotations(input, traffic) : {}
  return { ...commonAnnotations(input), ...ofNode }
}

function proxyContainer(input: TemplateInput, traffic: Traffic): JsonObject {
  const { global } = input.context.settings.injectorValues
  const { outlierLogPath, startupProbe } = global.proxy
  const probed = hasStatusPort(input)
  return present({
    name: CONTAINERS.proxy,
    image: proxyImage(input),
    imagePullPolicy: unlessBlank(global.imagePullPolicy),
    restartPolicy: input.native ? 'Always' : undefined,
    ports: [METRICS_PORT],
    args: [
      ...proxyArguments(input, 'sidecar'),
      ...(outlierLogPath === '' ? [] : [`--outlierLogPath=${outlierLogPath}`]),
    ],
    lifecycle: lifecycle(input),
    env: environment(input, traffic),
    startupProbe: probed && startupProbe.enabled ? startup(startupProbe.failureThreshold) : undefined,
    readinessProbe: probed ? readinessProbe(input, READY_PORT, true) : undefined,
    securityContext: proxySecurity(input, traffic.mode === 'TPROXY'),
    resources: resourcesOf(input),
    volumeMounts: mounts(input),
  })
}

function startup(failureThreshold: number): JsonObject {
  const httpGet = { path: '/healthz/ready', port: READY_PORT }
  return present({
    httpGet,
    periodSeconds: 1,
    timeoutSeconds: 3,
    failureThreshold: unlessZero(failureThreshold),
  })
}

function lifecycle(input: TemplateInput): JsonObject | undefined {
  const { proxy } = input.context.settings.injectorValues.global
  const configured = configuredLifecycle(input)
  if (configured !== undefined) return configured
  if (input.native) {
    return runs('preStop', 'pilot-agent', 'request', `--debug-port=${statusPort(input)}`, 'POST', 'drain')
  }
  const hold = input.proxyConfig['holdApplicationUntilProxyStarts'] === true || proxy.holdApplicationUntilProxyStarts
  return hold ? runs('postStart', 'pilot-agent', 'wait') : undefined
}

function environment(input: TemplateInput, traffic: Traffic): readonly JsonObject[] {
  return [
    ...env.probeHostEnv(input),
    ...env.identityEnv(input),
    ...env.CPU_LIMIT_ENV,
    ...env.proxyConfigEnv(input),
    ...env.appContainersEnv(input),
    ...env.MEMORY_LIMIT_ENV,
    ...env.complianceEnv(input),
    ...env.clusterEnv(input),
    ...env.interceptionEnv(traffic.mode),
    ...env.networkEnv(input),
    ...env.workloadEnv(input, (label(input.pod, 'service.istio.io/workload-name') ?? '') || input.workload.name),
    ...env.bootstrapEnv(input),
    ...env.meshEnv(input),
    ...env.datadogEnv(input, 'sidecar'),
    ...otelEnv(input),
    ...env.metadataEnv(input),
  ]
}

function mounts(input: TemplateInput): readonly JsonObject[] {
  return [
    volumes.mount('workload-socket', '/var/run/secrets/workload-spiffe-uds'),
    volumes.mount('credential-socket', '/var/run/secrets/credential-uds'),
    volumes.workloadCertsMount(input),
    ...(volumes.trustsIstiod(input)
      ? [
          volumes.mount('istiod-ca-cert', '/var/run/secrets/istio'),
          volumes.mount('istio-ca-crl', '/var/run/secrets/istio/crl'),
        ]
      : []),
    volumes.mount('istio-data', '/var/lib/istio/data'),
    ...volumes.bootstrapMounts(input),
    volumes.mount('istio-envoy', '/etc/istio/proxy'),
    volumes.mount('istio-token', '/var/run/secrets/tokens'),
    ...volumes.certsMounts(input),
    volumes.mount('istio-podinfo', '/etc/istio/pod'),
    ...volumes.lightstepMounts(input),
    ...namedEntries(input.pod, 'sidecar.istio.io/userVolumeMount', 'sidecar'),
  ]
}

function volumesOf(input: TemplateInput): readonly JsonObject[] {
  return [
    volumes.openVolume('workload-socket'),
    volumes.openVolume('credential-socket'),
    volumes.workloadCertsVolume(input, volumes.openVolume),
    ...volumes.bootstrapVolumes(input),
    volumes.memoryVolume('istio-envoy'),
    volumes.emptyVolume('istio-data'),
    volumes.POD_INFO_VOLUME,
    volumes.tokenVolume(input),
    ...volumes.rootCertificateVolumes(input, 'sidecar'),
    volumes.REVOCATION_VOLUME,
    ...volumes.certsVolumes(input),
    ...namedEntries(input.pod, 'sidecar.istio.io/userVolume', 'sidecar'),
    ...volumes.lightstepVolumes(input),
  ]
}
