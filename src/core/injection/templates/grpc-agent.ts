import type { JsonObject } from '../../json/value.ts'
import { CONTAINERS } from '../../vocabulary/names.ts'
import { proxyImage } from './images.ts'
import { namedEntries } from './json-annotation.ts'
import { present, unlessBlank, unlessEmpty } from './present.ts'
import { proxyArguments, readinessProbe, runs } from './proxy-container.ts'
import * as env from './proxy-env.ts'
import { resourcesOf } from './resources.ts'
import type { Template, TemplateInput } from './template.ts'
import { hasStatusPort } from './traffic.ts'
import * as volumes from './volumes.ts'
import { canonicalName, canonicalRevision, commonAnnotations } from './workload-metadata.ts'

const AGENT_PORT = 15020

/** Applications that speak gRPC and xDS themselves, with an agent that brings their certificates (injector.md §15). */
export const grpcAgent: Template = (input) => ({
  metadata: {
    labels: {
      'service.istio.io/canonical-name': canonicalName(input),
      'service.istio.io/canonical-revision': canonicalRevision(input),
    },
    annotations: { ...commonAnnotations(input), 'sidecar.istio.io/rewriteAppHTTPProbers': 'false' },
  },
  spec: present({
    containers: [agentContainer(input), ...env.appNames(input.pod).map((name) => application(input, name))],
    volumes: volumesOf(input),
    imagePullSecrets: unlessEmpty(volumes.pullSecrets(input)),
  }),
})

function agentContainer(input: TemplateInput): JsonObject {
  const probed = hasStatusPort(input)
  return present({
    name: CONTAINERS.proxy,
    image: proxyImage(input),
    imagePullPolicy: unlessBlank(input.context.settings.injectorValues.global.imagePullPolicy),
    ports: [{ name: 'mesh-metrics', containerPort: AGENT_PORT, protocol: 'TCP' }],
    args: proxyArguments(input, 'sidecar'),
    lifecycle: runs('postStart', 'pilot-agent', 'wait', `--url=http://localhost:${AGENT_PORT}/healthz/ready`),
    env: environment(input),
    readinessProbe: probed ? readinessProbe(input, AGENT_PORT, true) : undefined,
    resources: probed ? resourcesOf(input) : undefined,
    volumeMounts: unlessEmpty([
      ...(probed ? mounts(input) : []),
      ...namedEntries(input.pod, 'sidecar.istio.io/userVolumeMount', 'grpc-agent'),
    ]),
  })
}

function application(input: TemplateInput, name: string): JsonObject {
  return {
    name,
    env: [
      { name: 'GRPC_XDS_EXPERIMENTAL_SECURITY_SUPPORT', value: 'true' },
      { name: 'GRPC_XDS_BOOTSTRAP', value: '/etc/istio/proxy/grpc-bootstrap.json' },
    ],
    volumeMounts: [
      volumes.mount('istio-data', '/var/lib/istio/data'),
      volumes.mount('istio-xds', '/etc/istio/proxy'),
      volumes.workloadCertsMount(input),
    ],
  }
}

function environment(input: TemplateInput): readonly JsonObject[] {
  return [
    { name: 'ISTIO_META_GENERATOR', value: 'grpc' },
    { name: 'OUTPUT_CERTS', value: '/var/lib/istio/data' },
    ...env.probeHostEnv(input),
    ...env.identityEnv(input),
    ...env.proxyConfigEnv(input),
    ...env.appContainersEnv(input),
    ...env.clusterEnv(input),
    ...env.networkEnv(input),
    ...env.workloadEnv(input, input.workload.name),
    ...env.meshEnv(input),
    ...env.metadataEnv(input),
    { name: 'ISTIO_META_DNS_CAPTURE', value: 'false' },
    { name: 'DISABLE_ENVOY', value: 'true' },
  ]
}

function mounts(input: TemplateInput): readonly JsonObject[] {
  return [
    volumes.mount('workload-socket', '/var/run/secrets/workload-spiffe-uds'),
    volumes.workloadCertsMount(input),
    ...(volumes.trustsIstiod(input) ? [volumes.mount('istiod-ca-cert', '/var/run/secrets/istio')] : []),
    volumes.mount('istio-data', '/var/lib/istio/data'),
    volumes.mount('istio-xds', '/etc/istio/proxy'),
    volumes.mount('istio-token', '/var/run/secrets/tokens'),
    ...volumes.certsMounts(input),
    volumes.mount('istio-podinfo', '/etc/istio/pod'),
  ]
}

function volumesOf(input: TemplateInput): readonly JsonObject[] {
  return [
    volumes.openVolume('workload-socket'),
    volumes.workloadCertsVolume(input, volumes.openVolume),
    ...volumes.bootstrapVolumes(input),
    volumes.memoryVolume('istio-xds'),
    volumes.emptyVolume('istio-data'),
    volumes.POD_INFO_VOLUME,
    volumes.tokenVolume(input),
    ...volumes.rootCertificateVolumes(input, 'grpc-agent'),
    ...volumes.certsVolumes(input),
    ...namedEntries(input.pod, 'sidecar.istio.io/userVolume', 'grpc-agent'),
  ]
}
