import { type Audience, istioEntries, type SelectorEntry, sluiceEntries } from '../decision/selectors.ts'
import type { JsonObject } from '../json/value.ts'
import type { Selector } from '../settings/label-selector.ts'
import { KUBERNETES_NAMES, SLUICE_LABELS } from '../vocabulary/names.ts'

/** How the API server reaches the webhook. */
export type WebhookClient =
  | { readonly is: 'service'; readonly name: string; readonly namespace: string; readonly port: number }
  | { readonly is: 'url'; readonly url: string }

/** How one installation of the webhook is registered. */
export interface Registration {
  readonly audience: Audience
  readonly client: WebhookClient
  /** base64 of PEM; undefined where the leader or cert-manager writes it */
  readonly caBundle?: string
  /** path of the URL: Istio's `/inject`, or its longer form with environment of the proxy */
  readonly path: string
  readonly failurePolicy: 'Fail' | 'Ignore'
  readonly reinvocationPolicy: 'Never' | 'IfNeeded'
  readonly timeoutSeconds: number
  /** the namespace that Sluice runs in: never asked about, so that it can always start */
  readonly ownNamespace: string
}

/** Names of entries end in this, never in Istio's: istiod writes its own CA into whatever looks like its webhook. */
export const ENTRY_SUFFIX = 'sluice-mesh.io'

/** Namespaces without which no cluster gets up again. */
const NEVER = ['kube-system', 'kube-node-lease']

/**
 * The MutatingWebhookConfiguration of one installation. Equal in meaning to Istio's for the same audience, with entries of
 * its own for `istio.io/dataplane-mode` and `sluice-mesh.io/mode` (design: "The boundary").
 */
export function webhookConfiguration(registration: Registration): JsonObject {
  const { audience } = registration
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: {
      name: audience.isDefault ? 'sluice' : `sluice-${audience.revision}`,
      labels: { 'app.kubernetes.io/name': 'sluice', [SLUICE_LABELS.revision]: audience.revision },
    },
    webhooks: [...istioEntries(audience), ...sluiceEntries(audience)].map((entry) => webhook(entry, registration)),
  }
}

function webhook(entry: SelectorEntry, registration: Registration): JsonObject {
  const own = {
    key: KUBERNETES_NAMES.namespaceName,
    operator: 'NotIn',
    values: [...NEVER, registration.ownNamespace],
  } as const
  return {
    name: `${entry.name}.${ENTRY_SUFFIX}`,
    clientConfig: clientConfig(registration),
    namespaceSelector: selectorJson([...entry.namespaceSelector, own]),
    objectSelector: selectorJson(entry.objectSelector),
    rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], scope: 'Namespaced' }],
    matchPolicy: 'Equivalent',
    failurePolicy: registration.failurePolicy,
    reinvocationPolicy: registration.reinvocationPolicy,
    sideEffects: 'None',
    timeoutSeconds: registration.timeoutSeconds,
    admissionReviewVersions: ['v1'],
  }
}

function clientConfig({ client, path, caBundle }: Registration): JsonObject {
  const bundle = caBundle === undefined ? {} : { caBundle }
  switch (client.is) {
    case 'service':
      return { service: { name: client.name, namespace: client.namespace, path, port: client.port }, ...bundle }
    case 'url':
      return { url: `${client.url}${path}`, ...bundle }
  }
}

/** A selector in the form of the API, conditions as expressions. */
export function selectorJson(selector: Selector): JsonObject {
  return {
    matchExpressions: selector.map(({ key, operator, values }) => ({
      key,
      operator,
      ...(values.length === 0 ? {} : { values: [...values] }),
    })),
  }
}
