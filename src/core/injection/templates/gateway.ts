import type { JsonObject } from '../../json/value.ts'
import { stringOr } from '../../json/value.ts'
import { CONTAINERS } from '../../vocabulary/names.ts'
import { proxyImage } from './images.ts'
import { present, unlessBare, unlessBlank, unlessEmpty } from './present.ts'
import { configuredLifecycle, METRICS_PORT, proxyArguments, readinessProbe } from './proxy-container.ts'
import * as env from './proxy-env.ts'
import type { Template, TemplateInput } from './template.ts'
import * as volumes from './volumes.ts'
import { canonicalName, canonicalRevision, commonAnnotations } from './workload-metadata.ts'

const READY_PORT = 15021

/** A gateway binds low ports without a capability where its network namespace lets every user do so. */
const LOW_PORTS: JsonObject = { sysctls: [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '0' }] }

/** A pod that is nothing but a proxy, at the edge of the mesh (injector.md §15). */
export const gateway: Template = (input) => ({
  metadata: {
    labels: {
      'service.istio.io/canonical-name': canonicalName(input),
      'service.istio.io/canonical-revision': canonicalRevision(input),
    },
    annotations: commonAnnotations(input),
  },
  spec: present({
    securityContext: unlessBare(input.context.settings.injectorValues.gateways.securityContext) ?? LOW_PORTS,
    containers: [proxyContainer(input)],
    volumes: volumesOf(input),
    imagePullSecrets: unlessEmpty(volumes.pullSecrets(input)),
  }),
})

function proxyContainer(input: TemplateInput): JsonObject {
  const { global } = input.context.settings.injectorValues
  return present({
    name: CONTAINERS.proxy,
    image: proxyImage(input),
    imagePullPolicy: unlessBlank(global.imagePullPolicy),
    ports: [METRICS_PORT],
    args: proxyArguments(input, 'router'),
    lifecycle: configuredLifecycle(input),
    env: environment(input),
    readinessProbe: readinessProbe(input, READY_PORT, false),
    securityContext: { runAsUser: input.ids.uid, runAsGroup: input.ids.gid },
    volumeMounts: mounts(input),
  })
}

function environment(input: TemplateInput): readonly JsonObject[] {
  return [
    ...env.identityEnv(input),
    ...env.CPU_LIMIT_ENV,
    ...env.proxyConfigEnv(input),
    ...env.MEMORY_LIMIT_ENV,
    ...env.complianceEnv(input),
    ...env.appContainersEnv(input),
    ...env.clusterEnv(input),
    ...env.interceptionEnv(stringOr(input.proxyConfig['interceptionMode']) ?? 'REDIRECT'),
    ...env.networkEnv(input),
    ...env.workloadEnv(input, input.workload.name),
    ...env.bootstrapEnv(input),
    ...env.meshEnv(input),
    ...env.metadataEnv(input),
  ]
}

function mounts(input: TemplateInput): readonly JsonObject[] {
  return [
    volumes.mount('workload-socket', '/var/run/secrets/workload-spiffe-uds'),
    volumes.mount('credential-socket', '/var/run/secrets/credential-uds'),
    volumes.workloadCertsMount(input),
    ...(volumes.trustsIstiod(input) ? [volumes.mount('istiod-ca-cert', '/var/run/secrets/istio')] : []),
    volumes.mount('istio-data', '/var/lib/istio/data'),
    ...volumes.bootstrapMounts(input),
    volumes.mount('istio-envoy', '/etc/istio/proxy'),
    volumes.mount('istio-token', '/var/run/secrets/tokens'),
    ...volumes.certsMounts(input),
    volumes.mount('istio-podinfo', '/etc/istio/pod'),
  ]
}

function volumesOf(input: TemplateInput): readonly JsonObject[] {
  return [
    volumes.openVolume('workload-socket'),
    volumes.emptyVolume('credential-socket'),
    volumes.workloadCertsVolume(input, volumes.emptyVolume),
    ...volumes.bootstrapVolumes(input),
    volumes.memoryVolume('istio-envoy'),
    volumes.emptyVolume('istio-data'),
    volumes.POD_INFO_VOLUME,
    volumes.tokenVolume(input),
    ...volumes.rootCertificateVolumes(input, 'gateway'),
    ...volumes.certsVolumes(input),
  ]
}
