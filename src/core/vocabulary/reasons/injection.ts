import type { ReasonRow } from './reason-row.ts'

/** Reasons that arise while a pod is changed. */
export const INJECTION_REASONS = {
  annotation_invalid: {
    level: 'refuse',
    says: (p: { problems: string }) => `annotations of the pod cannot be used: ${p.problems}`,
    fix: 'correct the annotations; docs/annotations.md lists what each allows',
  },
  template_unknown: {
    level: 'refuse',
    says: (p: { template: string; known: string }) =>
      `the injection template ${JSON.stringify(p.template)} does not exist; known are ${p.known}`,
    fix: 'correct the annotation inject.istio.io/templates, or add the template to the injector settings',
  },
  template_failed: {
    level: 'refuse',
    says: (p: { template: string; problem: string }) =>
      `the injection template ${JSON.stringify(p.template)} failed: ${p.problem}`,
    fix: 'correct the template, or name another in the annotation inject.istio.io/templates',
  },
  scrape_port_invalid: {
    level: 'refuse',
    says: (p: { port: string; problem: string }) =>
      `the pod asks Prometheus to scrape port ${JSON.stringify(p.port)}, which ${p.problem}`,
    fix: 'correct prometheus.io/port or prometheus.istio.io/scrape-targets',
  },
  volume_name_taken: {
    level: 'refuse',
    says: (p: { volume: string }) =>
      `the pod has a volume ${JSON.stringify(p.volume)} of its own, a name that the injection needs for another source`,
    fix: 'rename the volume of the pod and its mounts',
  },
  status_not_trusted: {
    level: 'warn',
    says: () => 'the annotation sidecar.istio.io/status names containers that do not look injected, so it was ignored',
    fix: 'remove the annotation from the pod; only an injector writes it',
  },
  overrides_unreadable: {
    level: 'refuse',
    says: () => 'the annotation proxy.istio.io/overrides is no JSON object of containers',
    fix: 'remove the annotation from the pod; only an injector writes it',
  },
  tproxy_user_ignored: {
    level: 'warn',
    says: (p: { user: string }) =>
      `the proxy asks for user ${p.user}, but TPROXY needs it to run as root, so its own traffic may be captured again`,
    fix: 'remove runAsUser from istio-proxy, or use interception mode REDIRECT',
  },
  proxy_user_root: {
    level: 'warn',
    says: () => 'the proxy asks for user 0, which the redirection does not exempt and runAsNonRoot refuses',
    fix: 'remove runAsUser from istio-proxy',
  },
  scrape_targets_ignored: {
    level: 'warn',
    says: (p: { value: string }) =>
      `prometheus.istio.io/scrape-targets is ${JSON.stringify(p.value)}, where one item names no port, so it was ignored`,
    fix: 'write each item as port or port:path',
  },
  probe_not_rewritten: {
    level: 'warn',
    says: (p: { probe: string; port: string; problem: string }) =>
      `the check ${p.probe} goes to port ${p.port}, which ${p.problem}, so it was left as it is and bypasses the proxy's agent`,
    fix: 'let the check name a port of its container',
  },
  probe_without_status_port: {
    level: 'warn',
    says: (p: { probe: string }) =>
      `the check ${p.probe} was left as it is, since status.sidecar.istio.io/port is 0 and the pod has no agent to ask`,
    fix: 'remove the annotation, or sidecar.istio.io/rewriteAppHTTPProbers: "false" if this is meant',
  },
} as const satisfies Record<string, ReasonRow>
