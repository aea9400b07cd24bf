/**
 * Istio's own injection templates. Sluice serves them by typed code; the Go text that istiod's ConfigMap carries under
 * these names is Istio's copy of the same and is not read, unless a user replaced it (settings/injector-config.ts).
 */
export const BUILT_IN_TEMPLATE_NAMES = [
  'sidecar',
  'gateway',
  'grpc-simple',
  'grpc-agent',
  'waypoint',
  'kube-gateway',
  'agentgateway',
  'agentgateway-waypoint',
] as const
export type BuiltInTemplateName = (typeof BUILT_IN_TEMPLATE_NAMES)[number]
