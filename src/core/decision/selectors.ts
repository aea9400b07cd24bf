import type { EnablementSelector } from '../settings/ambient-enablement.ts'
import { matches, type Requirement, type Selector } from '../settings/label-selector.ts'
import { ISTIO_LABELS, KUBERNETES_NAMES, SLUICE_LABELS } from '../vocabulary/names.ts'
import { IGNORED_NAMESPACES } from './eligibility.ts'

/** One entry of a webhook configuration: which pods of which namespaces it asks about. */
export interface SelectorEntry {
  readonly name: string
  readonly namespaceSelector: Selector
  readonly objectSelector: Selector
}

/** For whom a configuration speaks (injector.md §2): a revision or a tag of one, or the default. */
export interface Audience {
  /** the revision or tag that labels name; `default` for the default revision */
  readonly revision: string
  /** does it also serve those who name no revision? */
  readonly isDefault: boolean
  /** Istio's setting `enableNamespacesByDefault` */
  readonly namespacesByDefault: boolean
}

const { injection, revision, inject, dataplaneMode } = ISTIO_LABELS
const { mode } = SLUICE_LABELS

const is = (key: string, ...values: string[]): Requirement => ({ key, operator: 'In', values })
const isNot = (key: string, ...values: string[]): Requirement => ({ key, operator: 'NotIn', values })
const has = (key: string): Requirement => ({ key, operator: 'Exists', values: [] })
const lacks = (key: string): Requirement => ({ key, operator: 'DoesNotExist', values: [] })

/**
 * The entries of Istio's own webhook configuration, in its order (injector.md §2). Webhook, guard and `explain` are made from
 * this one table.
 */
export function istioEntries(audience: Audience): readonly SelectorEntry[] {
  const entries: SelectorEntry[] = [
    {
      name: 'rev.namespace',
      namespaceSelector: [is(revision, audience.revision), lacks(injection)],
      objectSelector: [isNot(inject, 'false')],
    },
    {
      name: 'rev.object',
      namespaceSelector: [lacks(revision), lacks(injection)],
      objectSelector: [isNot(inject, 'false'), is(revision, audience.revision)],
    },
  ]
  if (!audience.isDefault) return entries
  entries.push(
    { name: 'namespace', namespaceSelector: [is(injection, 'enabled')], objectSelector: [isNot(inject, 'false')] },
    {
      name: 'object',
      namespaceSelector: [lacks(injection), lacks(revision)],
      objectSelector: [is(inject, 'true'), lacks(revision)],
    },
  )
  if (audience.namespacesByDefault)
    entries.push({
      name: 'auto',
      namespaceSelector: [
        lacks(injection),
        lacks(revision),
        isNot(KUBERNETES_NAMES.namespaceName, ...IGNORED_NAMESPACES),
      ],
      objectSelector: [lacks(inject), lacks(revision)],
    })
  return entries
}

/**
 * What Sluice asks about besides: wishes (`sluice-mesh.io/mode`) and ambient (`istio.io/dataplane-mode`), on a namespace or
 * a pod, where none of Istio's entries matches, so that no pod is asked about twice in one round. Only the default serves
 * them: neither label names a revision.
 */
export function sluiceEntries(audience: Audience): readonly SelectorEntry[] {
  if (!audience.isDefault) return []
  return inRegions(audience, [
    { name: 'mode.namespace', namespace: [has(mode)], pod: [] },
    { name: 'mode.object', namespace: [lacks(mode)], pod: [has(mode)] },
    { name: 'ambient.namespace', namespace: [lacks(mode), is(dataplaneMode, 'ambient')], pod: [lacks(mode)] },
    {
      name: 'ambient.object',
      namespace: [lacks(mode), isNot(dataplaneMode, 'ambient')],
      pod: [lacks(mode), is(dataplaneMode, 'ambient')],
    },
  ])
}

/**
 * What is asked about besides where the policy has selectors of its own for ambient, a family of entries for each pair, where none of
 * the others matches. Two pairs may overlap: who came in by the first carries Istio's label then, and the second passes it over.
 */
export function ownAmbientEntries(audience: Audience, pairs: readonly EnablementSelector[]): readonly SelectorEntry[] {
  if (!audience.isDefault) return []
  const unasked = [lacks(mode), isNot(dataplaneMode, 'ambient')]
  return inRegions(
    audience,
    pairs.map(({ pod, namespace }, index) => ({
      name: `ambient.own-${index}`,
      namespace: [...unasked, ...namespace],
      pod: [...unasked, ...pod],
    })),
  )
}

/** What asks for something by labels of a namespace and of a pod. */
interface Ask {
  readonly name: string
  readonly namespace: Selector
  readonly pod: Selector
}

/** Each of `asks` where Istio's entries leave a pod alone, and why they do. */
function inRegions(audience: Audience, asks: readonly Ask[]): readonly SelectorEntry[] {
  // Istio's entries look at these namespaces' pods; the pods that they take are left to them
  const open = [lacks(injection), lacks(revision)]
  const openPods = [lacks(revision), isNot(inject, 'true'), ...(audience.namespacesByDefault ? [has(inject)] : [])]
  // a namespace with `istio-injection` of another value: Istio's entries never match there
  const closed = [has(injection), isNot(injection, 'enabled')]
  const regions = [
    { suffix: '', namespace: open, pod: openPods },
    { suffix: '.off', namespace: closed, pod: [] },
    // a pod that refuses the sidecar which its namespace asks for may still be ambient
    { suffix: '.refused', namespace: [is(injection, 'enabled')], pod: [is(inject, 'false')] },
    {
      suffix: '.refused-revision',
      namespace: [lacks(injection), is(revision, audience.revision)],
      pod: [is(inject, 'false')],
    },
  ]
  return asks.flatMap((ask) =>
    regions.map((region) => ({
      name: `${ask.name}${region.suffix}`,
      namespaceSelector: [...ask.namespace, ...region.namespace],
      objectSelector: [...ask.pod, ...region.pod],
    })),
  )
}

/**
 * Pods that opt out by the label which keeps them from Istio's entries, and so from the webhook: only the guard sees them,
 * where the policy denies opting out.
 */
export function optOutEntries(audience: Audience): readonly SelectorEntry[] {
  const refuses = [is(inject, 'false')]
  const entries: SelectorEntry[] = [
    {
      name: 'opt-out.rev.namespace',
      namespaceSelector: [is(revision, audience.revision), lacks(injection)],
      objectSelector: refuses,
    },
  ]
  if (!audience.isDefault) return entries
  entries.push({ name: 'opt-out.namespace', namespaceSelector: [is(injection, 'enabled')], objectSelector: refuses })
  if (audience.namespacesByDefault)
    entries.push({
      name: 'opt-out.auto',
      namespaceSelector: [
        lacks(injection),
        lacks(revision),
        isNot(KUBERNETES_NAMES.namespaceName, ...IGNORED_NAMESPACES),
      ],
      objectSelector: refuses,
    })
  return entries
}

/** The entries that ask about a pod with these labels, as the API server would. */
export function matchingEntries(
  entries: readonly SelectorEntry[],
  labels: { readonly namespace: Readonly<Record<string, string>>; readonly pod: Readonly<Record<string, string>> },
): readonly SelectorEntry[] {
  return entries.filter(
    (entry) => matches(entry.namespaceSelector, labels.namespace) && matches(entry.objectSelector, labels.pod),
  )
}
