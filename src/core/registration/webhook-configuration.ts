import {
  type Audience,
  istioEntries,
  ownAmbientEntries,
  type SelectorEntry,
  sluiceEntries,
} from '../decision/selectors.ts'
import type { JsonObject } from '../json/value.ts'
import type { EnablementSelector } from '../settings/ambient-enablement.ts'
import type { Requirement, Selector } from '../settings/label-selector.ts'
import { KUBERNETES_NAMES, SLUICE_LABELS } from '../vocabulary/names.ts'
import { NOT_A_MIRROR } from './mirror.ts'

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
  /** the namespaces that Sluice runs in: never asked about, so that it can always start */
  readonly ownNamespaces: readonly string[]
}

/** Names of entries end in this, never in Istio's: istiod writes its own CA into whatever looks like its webhook. */
export const ENTRY_SUFFIX = 'sluice-mesh.io'

/** Namespaces without which no cluster gets up again. */
export const NEVER: readonly string[] = ['kube-system', 'kube-node-lease']

/**
 * The MutatingWebhookConfiguration of one installation. Equal in meaning to Istio's for the same audience, with entries of
 * its own for `istio.io/dataplane-mode` and `sluice-mesh.io/mode` (design: "The boundary").
 */
export function webhookConfiguration(registration: Registration): JsonObject {
  const { audience } = registration
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: installationName('sluice', audience), labels: installationLabels(audience) },
    webhooks: [...istioEntries(audience), ...sluiceEntries(audience)].map((entry) => webhook(entry, registration)),
  }
}

/** The entries that an installation has besides where its policy has selectors of its own for ambient. */
export function ownAmbientWebhooks(
  registration: Registration,
  pairs: readonly EnablementSelector[],
): readonly JsonObject[] {
  return ownAmbientEntries(registration.audience, pairs).map((entry) => webhook(entry, registration))
}

/** The name of an object that each installation has one of. */
export function installationName(name: string, { isDefault, revision }: Audience): string {
  return isDefault ? name : `${name}-${revision}`
}

/** Never Istio's label `istio.io/rev`: istiod acts on what carries it. */
export function installationLabels({ revision }: Audience): Readonly<Record<string, string>> {
  return { ...SLUICE_OBJECT, [SLUICE_LABELS.revision]: revision }
}

/** On every object that belongs to no one revision. */
export const SLUICE_OBJECT = { 'app.kubernetes.io/name': 'sluice' } as const

/** The condition that keeps namespaces out, whatever labels people give them. */
export function withoutNamespaces(names: readonly string[]): Requirement {
  return { key: KUBERNETES_NAMES.namespaceName, operator: 'NotIn', values: [...new Set(names)] }
}

function webhook(entry: SelectorEntry, registration: Registration): JsonObject {
  const own = withoutNamespaces([...NEVER, ...registration.ownNamespaces])
  return {
    name: `${entry.name}.${ENTRY_SUFFIX}`,
    clientConfig: clientConfig(registration),
    namespaceSelector: selectorJson([...entry.namespaceSelector, own]),
    objectSelector: selectorJson(entry.objectSelector),
    matchConditions: [{ ...NOT_A_MIRROR }],
    rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], scope: 'Namespaced' }],
    matchPolicy: 'Equivalent',
    failurePolicy: registration.failurePolicy,
    reinvocationPolicy: registration.reinvocationPolicy,
    sideEffects: 'None',
    timeoutSeconds: registration.timeoutSeconds,
    admissionReviewVersions: ['v1'],
  }
}

/** Where the API server finds the webhook. */
export function clientConfig({ client, path, caBundle }: Registration): JsonObject {
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
  // the API server stores an empty list as none, and takes each apply of one for a change
  if (selector.length === 0) return {}
  return {
    matchExpressions: selector.map(({ key, operator, values }) => ({
      key,
      operator,
      ...(values.length === 0 ? {} : { values: [...values] }),
    })),
  }
}
