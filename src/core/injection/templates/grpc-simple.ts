import type { JsonObject } from '../../json/value.ts'
import { stringOr } from '../../json/value.ts'
import { containersOf } from '../pod-parts.ts'
import type { Template } from './template.ts'
import { emptyVolume, mount } from './volumes.ts'

const VOLUME = 'grpc-io-proxyless-bootstrap'
const BOOTSTRAP = '/var/lib/grpc/data/bootstrap.json'

/** Writes the file from which gRPC learns where its control plane is. */
const SCRIPT = `NODE_ID="sidecar~\${INSTANCE_IP}~\${POD_NAME}.\${POD_NAMESPACE}~cluster.local"
SERVER_URI="dns:///istiod.\${ISTIO_NAMESPACE}.svc:15010"
echo '
{
  "xds_servers": [
    {
      "server_uri": "'\${SERVER_URI}'",
      "channel_creds": [{"type": "insecure"}],
      "server_features" : ["xds_v3"]
    }
  ],
  "node": {
    "id": "'\${NODE_ID}'",
    "metadata": {
      "GENERATOR": "grpc"
    }
  }
}' > ${BOOTSTRAP}`

/** Applications that speak gRPC and xDS themselves, in plain text (injector.md §15). */
export const grpcSimple: Template = (input) => ({
  metadata: { annotations: { 'sidecar.istio.io/rewriteAppHTTPProbers': 'false' } },
  spec: {
    initContainers: [bootstrapContainer(input.context.settings.injectorValues.global.istioNamespace)],
    containers: containersOf(input.pod, 'containers').map((container) =>
      application(stringOr(container['name']) ?? ''),
    ),
    volumes: [emptyVolume(VOLUME)],
  },
})

function bootstrapContainer(istioNamespace: string): JsonObject {
  return {
    name: 'grpc-bootstrap-init',
    image: 'busybox:1.28',
    volumeMounts: [mount(VOLUME, '/var/lib/grpc/data/')],
    env: [
      { name: 'INSTANCE_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
      { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      { name: 'POD_NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
      // Istio's own ends in a line feed, which the shell takes off
      { name: 'ISTIO_NAMESPACE', value: `${istioNamespace}\n` },
    ],
    command: ['sh', '-c', SCRIPT],
  }
}

function application(name: string): JsonObject {
  return {
    name,
    env: [
      { name: 'GRPC_XDS_BOOTSTRAP', value: BOOTSTRAP },
      { name: 'GRPC_GO_LOG_VERBOSITY_LEVEL', value: '99' },
      { name: 'GRPC_GO_LOG_SEVERITY_LEVEL', value: 'info' },
    ],
    volumeMounts: [mount(VOLUME, '/var/lib/grpc/data/')],
  }
}
