import type { AnnotationRow } from './annotation-row.ts'
import type { GrammarName } from './grammars.ts'

function label(on: AnnotationRow['on'], grammar: GrammarName, absent: string, effect: string): AnnotationRow {
  return { on, grammar, otherwise: 'ignored', default: absent, effect }
}

/** Every label that Sluice reads or writes on pods and namespaces. */
export const LABELS = {
  'sluice-mesh.io/mode': label(['pod', 'namespace'], 'mode', 'the policy', 'the wish: how the pod shall join the mesh'),
  'sidecar.istio.io/inject': label(['pod'], 'trueOrFalse', 'the namespace', 'asks for the sidecar or refuses it'),
  'istio-injection': label(['namespace'], 'text', 'absent', '"enabled" asks for sidecars, any other value for none'),
  'istio.io/rev': label(['pod', 'namespace'], 'text', 'absent', 'asks for sidecars of this revision; never changed'),
  'istio.io/dataplane-mode': label(
    ['pod', 'namespace'],
    'text',
    'absent',
    '"ambient" asks for ambient, "none" refuses it',
  ),
  'topology.istio.io/network': label(['pod'], 'text', 'global.network', 'the network of the pod'),
  'security.istio.io/tlsMode': label(['pod'], 'text', 'istio', 'whether others use mutual TLS towards the pod'),
  'networking.istio.io/tunnel': label(
    ['pod'],
    'text',
    'http where HBONE is on',
    'whether others tunnel towards the pod',
  ),
  'service.istio.io/canonical-name': label(
    ['pod'],
    'text',
    'app.kubernetes.io/name, app, or the workload',
    'the service that telemetry reports',
  ),
  'service.istio.io/canonical-revision': label(
    ['pod'],
    'text',
    'app.kubernetes.io/version, version, or latest',
    'the revision that telemetry reports',
  ),
  'service.istio.io/workload-name': label(['pod'], 'text', 'the owner', 'the workload that telemetry reports'),
  'app.kubernetes.io/name': label(['pod'], 'text', 'absent', 'source of the canonical name'),
  'app.kubernetes.io/version': label(['pod'], 'text', 'absent', 'source of the canonical revision'),
  app: label(['pod'], 'text', 'absent', 'source of the canonical name'),
  version: label(['pod'], 'text', 'absent', 'source of the canonical revision'),
  'pod-template-hash': label(['pod'], 'text', 'absent', 'tells the Deployment behind a ReplicaSet'),
  'rollouts-pod-template-hash': label(['pod'], 'text', 'absent', 'tells the Rollout behind a ReplicaSet'),
  deploymentconfig: label(['pod'], 'text', 'absent', 'tells the DeploymentConfig behind a ReplicationController'),
} as const satisfies Record<string, AnnotationRow>
export type LabelName = keyof typeof LABELS
