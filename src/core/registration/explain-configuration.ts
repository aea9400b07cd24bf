import { istioEntries, type SelectorEntry, sluiceEntries } from '../decision/selectors.ts'
import type { JsonObject } from '../json/value.ts'
import type { Named } from './admission-policy.ts'
import { matchesSelector } from './cel.ts'
import {
  clientConfig,
  ENTRY_SUFFIX,
  installationLabels,
  installationName,
  NEVER,
  type Registration,
  selectorJson,
  withoutNamespaces,
} from './webhook-configuration.ts'

const DRY_RUN: Named = { name: 'dry-run', expression: 'request.?dryRun.orValue(false)' }

/** The labels that pods of the workload will have. */
const TEMPLATE_LABELS =
  "(object.kind == 'CronJob' ? object.spec.jobTemplate.spec.template : object.spec.template).?metadata.?labels.orValue({})"

/**
 * The warning-only registration (design: "What the user sees"): says on dry runs what becomes of the pods of a workload. A
 * validating webhook, so that it cannot patch whatever it answers; the same table of selectors as for pods, the part about
 * the pod asked of the template.
 */
export function explainConfiguration(registration: Registration): JsonObject {
  const { audience } = registration
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name: installationName('sluice-explain', audience), labels: installationLabels(audience) },
    webhooks: [...istioEntries(audience), ...sluiceEntries(audience)].map((entry) => explainEntry(entry, registration)),
  }
}

function explainEntry(
  { name, namespaceSelector, objectSelector }: SelectorEntry,
  registration: Registration,
): JsonObject {
  return {
    name: `explain.${name}.${ENTRY_SUFFIX}`,
    clientConfig: clientConfig(registration),
    namespaceSelector: selectorJson([
      ...namespaceSelector,
      withoutNamespaces([...NEVER, ...registration.ownNamespaces]),
    ]),
    rules: [
      rule('apps', ['deployments', 'statefulsets', 'daemonsets', 'replicasets']),
      rule('batch', ['jobs', 'cronjobs']),
    ],
    matchConditions: [
      { ...DRY_RUN },
      ...(objectSelector.length === 0
        ? []
        : [{ name: 'template', expression: matchesSelector(objectSelector, TEMPLATE_LABELS) }]),
    ],
    matchPolicy: 'Equivalent',
    failurePolicy: 'Ignore',
    sideEffects: 'None',
    timeoutSeconds: registration.timeoutSeconds,
    admissionReviewVersions: ['v1'],
  }
}

function rule(group: string, resources: readonly string[]): JsonObject {
  return {
    operations: ['CREATE', 'UPDATE'],
    apiGroups: [group],
    apiVersions: ['v1'],
    resources: [...resources],
    scope: 'Namespaced',
  }
}
