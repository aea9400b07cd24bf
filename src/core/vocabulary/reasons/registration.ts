import type { ReasonRow } from './reason-row.ts'

/** What the webhook configurations of a live cluster mean for a pod, beside what its labels ask for. */
export const REGISTRATION_REASONS = {
  not_asked: {
    level: 'skip',
    says: () =>
      "no label of the pod or of its namespace asks for the mesh, so no webhook of Sluice's is asked about it",
    fix: 'to mesh it, label its namespace istio-injection=enabled, istio.io/dataplane-mode=ambient or sluice-mesh.io/mode=auto',
  },
  webhook_not_registered: {
    level: 'alarm',
    says: () => "the cluster has no webhook entry of Sluice's that asks about new pods, so none is meshed by it",
    fix: "apply manifests/sluice.yaml, or the chart with the webhook's values",
  },
  webhook_excludes_label: {
    level: 'warn',
    says: (p: { entry: string; selector: string; wants: string; has: string }) =>
      `the webhook entry ${p.entry} leaves the pod out by a label that is not the mesh's: its ${p.selector} wants ${p.wants}, and there is ${p.has}`,
    fix: 'somebody, for example the platform, added that condition to the webhook: remove the label or the condition',
  },
  webhook_does_not_ask: {
    level: 'warn',
    says: (p: { entry: string; selector: string; wants: string; has: string }) =>
      `no webhook entry of Sluice's asks about the pod; the nearest is ${p.entry}, whose ${p.selector} wants ${p.wants}, and there is ${p.has}`,
    fix: 'change the label that is named, or serve the revision that the labels ask for',
  },
  webhook_selector_unreadable: {
    level: 'warn',
    says: (p: { entry: string; selector: string; problem: string }) =>
      `it is not known whether the webhook entry ${p.entry} asks about the pod: its ${p.selector} ${p.problem}`,
    fix: 'see the entry by kubectl get mutatingwebhookconfigurations -o yaml',
  },
  webhook_condition_unknown: {
    level: 'warn',
    says: (p: { entry: string; conditions: string }) =>
      `it is not known whether the webhook entry ${p.entry} asks about the pod: only the API server evaluates its matchConditions (${p.conditions})`,
    fix: 'ask the API server itself: kubectl apply --dry-run=server',
  },
  second_injector: {
    level: 'warn',
    says: (p: { entries: string }) =>
      `more than one injector is asked about the pod: ${p.entries}; the later one meets a pod that already has its sidecar`,
    fix: 'let only one of them match: remove the revision label, the tag or the other installation',
  },
  other_injector_asks: {
    level: 'warn',
    says: (p: { entry: string; owner: string }) =>
      `the webhook entry ${p.entry} of ${p.owner} is asked about the pod, and none of Sluice's is`,
    fix: 'move the namespace to Sluice by its labels or revision, or leave it to the other injector on purpose',
  },
} as const satisfies Record<string, ReasonRow>
