import { type JsonObject, objectOr, objectsOf, stringOr } from '../json/value.ts'

/** What is kept of a webhook configuration: its entries and whom they trust. */
export interface RegisteredEntries {
  readonly uid: string
  readonly entries: readonly RegisteredEntry[]
}

export interface RegisteredEntry {
  readonly name: string
  /** base64 of PEM; empty where there is none */
  readonly caBundle: string
}

/** The facts of one webhook configuration. */
export function projectRegistration(configuration: JsonObject): RegisteredEntries {
  return {
    uid: stringOr(objectOr(configuration['metadata'])['uid']) ?? '',
    entries: objectsOf(configuration['webhooks']).map((entry) => ({
      name: stringOr(entry['name']) ?? '',
      caBundle: stringOr(objectOr(entry['clientConfig'])['caBundle']) ?? '',
    })),
  }
}

/** A kind of object that tells the API server of webhooks. */
export type RegistrationKind = 'MutatingWebhookConfiguration' | 'ValidatingWebhookConfiguration'

/**
 * What to apply so that every entry trusts `caBundle` (base64 of PEM); undefined where all do. It names no other field, so
 * that nothing else becomes ours, and the uid, so that a configuration that was just deleted is not made anew.
 */
export function caBundleApply(
  { kind, name }: { readonly kind: RegistrationKind; readonly name: string },
  { uid, entries }: RegisteredEntries,
  caBundle: string,
): JsonObject | undefined {
  if (entries.every((entry) => entry.caBundle === caBundle)) return undefined
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind,
    metadata: { name, uid },
    webhooks: entries.map((entry) => ({ name: entry.name, clientConfig: { caBundle } })),
  }
}
