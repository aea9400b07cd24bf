import type { ReasonRow } from './reason-row.ts'

/** Reasons of the intent, the rules and what was measured about them. */
export const REDIRECTION_REASONS = {
  intent_invalid: {
    level: 'refuse',
    says: (p: { field: string; problem: string }) =>
      `the description of what to redirect cannot be read: ${p.field} ${p.problem}`,
    fix: 'correct the annotation or argument that is named',
  },
  intent_version: {
    level: 'refuse',
    says: (p: { version: string; known: number }) =>
      `the description of what to redirect has version ${p.version}, but this agent reads version ${p.known}`,
    fix: 'bring the agents to the version of the webhook, agents first',
  },
  intent_unwritten: {
    level: 'refuse',
    says: (p: { container: string }) => `the pod has no container ${p.container} that says what is to be redirected`,
    fix: 'inject the pod with a template that keeps this container, or choose another mode',
  },
  rules_by_init_container: {
    level: 'skip',
    says: () => 'the container istio-init of the pod makes the rules',
    fix: null,
  },
  envoy_disabled: {
    level: 'skip',
    says: () => 'DISABLE_ENVOY of istio-proxy says that no proxy runs in the pod',
    fix: null,
  },
  proxy_absent: {
    level: 'skip',
    says: () => 'the pod has no container istio-proxy',
    fix: null,
  },
  proxy_not_sidecar: {
    level: 'skip',
    says: (p: { type: string }) => `istio-proxy runs as ${p.type}, which takes its traffic at its own ports`,
    fix: null,
  },
  injection_opted_out: {
    level: 'skip',
    says: (p: { by: 'label' | 'annotation' }) => `the ${p.by} sidecar.istio.io/inject says false`,
    fix: null,
  },
  status_absent: {
    level: 'skip',
    says: () => 'nobody injected the pod: the annotation sidecar.istio.io/status is absent',
    fix: null,
  },
  interception_none: {
    level: 'skip',
    says: () => 'sidecar.istio.io/interceptionMode is NONE: the application talks to its proxy by itself',
    fix: null,
  },
  namespace_excluded: {
    level: 'skip',
    says: (p: { namespace: string }) => `the agents leave the namespace ${p.namespace} alone`,
    fix: null,
  },
  address_absent: {
    level: 'refuse',
    says: () => 'the pod has no address but loopback and link-local ones, so there is no traffic to redirect yet',
    fix: 'see whether the main CNI plugin gave the pod an address',
  },
} as const satisfies Record<string, ReasonRow>
