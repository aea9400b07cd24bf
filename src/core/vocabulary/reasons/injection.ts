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
} as const satisfies Record<string, ReasonRow>
