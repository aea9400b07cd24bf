import { labelsOf } from '../json/pod.ts'
import type { JsonObject } from '../json/value.ts'
import { isList, objectOr, objectsOf, stringOr } from '../json/value.ts'
import { type Audience, istioEntries, matchingEntries, sluiceEntries } from '../decision/selectors.ts'
import { shown } from '../decision/source.ts'
import { matches, parseSelector, type Requirement } from '../settings/label-selector.ts'
import { INJECTORS, type InjectorOwner } from '../vocabulary/injectors.ts'
import { ISTIO_LABELS, KUBERNETES_NAMES, SLUICE_LABELS } from '../vocabulary/names.ts'
import type { Reason } from '../vocabulary/reasons.ts'
import { NOT_A_MIRROR } from './mirror.ts'

type Labels = Readonly<Record<string, string>>

/** One entry of a webhook configuration that injects into new pods, and whether the API server asks it about a pod. */
export interface InjectorAsked {
  readonly configuration: string
  readonly entry: string
  readonly owner: InjectorOwner
  readonly verdict:
    | { readonly is: 'asks' }
    /** the conditions that do not hold */
    | { readonly is: 'passes over'; readonly unmet: readonly Unmet[] }
    | { readonly is: 'unknown'; readonly reason: Reason }
}

interface Unmet {
  readonly selector: 'namespaceSelector' | 'objectSelector'
  readonly requirement: Requirement
  readonly has: string
}

/** Labels that an injector's own selectors look at; a condition on any other was put there by somebody else. */
const OWN_KEYS = new Set<string>([
  ...Object.values(ISTIO_LABELS),
  ...Object.values(SLUICE_LABELS),
  KUBERNETES_NAMES.namespaceName,
])

/**
 * Every injector's entry of the live `configurations` (MutatingWebhookConfiguration) that is about the creation of pods,
 * with the API server's verdict on a pod of these labels.
 */
export function injectorsAsked(
  configurations: readonly JsonObject[],
  labels: { readonly namespace: Labels; readonly pod: Labels },
): readonly InjectorAsked[] {
  return configurations.flatMap((configuration) =>
    objectsOf(configuration['webhooks'])
      .filter(asksAboutNewPods)
      .flatMap((webhook): readonly InjectorAsked[] => {
        const entry = stringOr(webhook['name']) ?? ''
        const owner = INJECTORS.find(({ suffix }) => entry.endsWith(suffix))?.owner
        if (owner === undefined) return []
        const name = stringOr(objectOr(configuration['metadata'])['name']) ?? ''
        return [{ configuration: name, entry, owner, verdict: verdictOf(webhook, entry, labels) }]
      }),
  )
}

/** The labels of a pod and of its namespace as selectors see them: the API server sets the namespace's name as one. */
export function labelsForSelectors(
  pod: JsonObject,
  namespace: { readonly name: string; readonly labels: Labels },
): { readonly namespace: Labels; readonly pod: Labels } {
  return { namespace: { ...namespace.labels, [KUBERNETES_NAMES.namespaceName]: namespace.name }, pod: labelsOf(pod) }
}

/** Conditions of Sluice's own entries on labels that are not the mesh's: `label (entry)`, each label once. */
export function foreignConditions(configurations: readonly JsonObject[]): readonly string[] {
  const found = new Map<string, string>()
  for (const webhook of configurations.flatMap((configuration) => objectsOf(configuration['webhooks']))) {
    const entry = stringOr(webhook['name']) ?? ''
    if (!entry.endsWith(INJECTORS[0].suffix)) continue
    for (const selector of [webhook['namespaceSelector'], webhook['objectSelector']]) {
      const parsed = parseSelector(selector ?? {})
      const keys = parsed.is === 'selector' ? parsed.selector.map(({ key }) => key) : []
      for (const key of keys) if (!OWN_KEYS.has(key) && !found.has(key)) found.set(key, entry)
    }
  }
  return [...found].map(([key, entry]) => `${key} (${entry})`)
}

/** Do all of Sluice's own entries leave a namespace out by its name, whatever labels it has? */
export function isLeftOutByName(configurations: readonly JsonObject[], namespace: string): boolean {
  const own = configurations
    .flatMap((configuration) => objectsOf(configuration['webhooks']))
    .filter((webhook) => stringOr(webhook['name'])?.endsWith(INJECTORS[0].suffix) === true)
  const name = { [KUBERNETES_NAMES.namespaceName]: namespace }
  return (
    own.length > 0 &&
    own.every((webhook) => {
      const parsed = parseSelector(webhook['namespaceSelector'] ?? {})
      if (parsed.is === 'invalid') return false
      const byName = parsed.selector.filter(({ key }) => key === KUBERNETES_NAMES.namespaceName)
      return !matches(byName, name)
    })
  )
}

/** What follows from who is asked about a pod. */
interface Registered {
  /** why no webhook of Sluice's is asked about the pod, the finding first that says most; none where one is, or may be */
  readonly whyNot: readonly Reason[]
  /** what is wrong or cannot be known besides */
  readonly findings: readonly Reason[]
}

/** `audience`: for whom this installation's own table of selectors says that the webhook speaks. */
export function registered(
  asked: readonly InjectorAsked[],
  labels: { readonly namespace: Labels; readonly pod: Labels },
  audience: Audience,
): Registered {
  const unknown = asked.flatMap(({ verdict }) => (verdict.is === 'unknown' ? [verdict.reason] : []))
  const asking = asked.filter(({ verdict }) => verdict.is === 'asks')
  const several: readonly Reason[] =
    new Set(asking.map(({ configuration }) => configuration)).size > 1
      ? [{ code: 'second_injector', args: { entries: asking.map(({ entry }) => entry).join(', ') } }]
      : []
  const own = asked.filter(({ owner }) => owner === 'Sluice')
  if (own.some(({ verdict }) => verdict.is !== 'passes over')) return { whyNot: [], findings: [...unknown, ...several] }
  const findings = [...unknown, ...several, ...others(asking)]
  if (own.length === 0) return { whyNot: [{ code: 'webhook_not_registered', args: {} }], findings }
  const expected = matchingEntries([...istioEntries(audience), ...sluiceEntries(audience)], labels).length > 0
  return { whyNot: expected ? nearest(own) : [{ code: 'not_asked', args: {} }], findings }
}

function others(asking: readonly InjectorAsked[]): readonly Reason[] {
  return asking.map(({ entry, owner }) => ({ code: 'other_injector_asks', args: { entry, owner } }))
}

/** The entry that fails by the fewest conditions; where only somebody else's conditions fail, that is the finding. */
function nearest(own: readonly InjectorAsked[]): readonly Reason[] {
  const failed = own.flatMap(({ entry, verdict }) => (verdict.is === 'passes over' ? [{ entry, ...verdict }] : []))
  const isForeign = ({ requirement }: Unmet): boolean => !OWN_KEYS.has(requirement.key)
  const foreign = failed.find(({ unmet }) => unmet.every(isForeign))
  const best = foreign ?? [...failed].sort((a, b) => a.unmet.length - b.unmet.length)[0]
  const [first] = best?.unmet ?? []
  if (best === undefined || first === undefined) return []
  const args = {
    entry: best.entry,
    selector: first.selector,
    wants: requirementText(first.requirement),
    has: first.has,
  }
  return [{ code: foreign === undefined ? 'webhook_does_not_ask' : 'webhook_excludes_label', args }]
}

function verdictOf(
  webhook: JsonObject,
  entry: string,
  labels: { readonly namespace: Labels; readonly pod: Labels },
): InjectorAsked['verdict'] {
  const sides = [
    ['namespaceSelector', labels.namespace, 'the namespace'],
    ['objectSelector', labels.pod, 'the pod'],
  ] as const
  const unmet: Unmet[] = []
  for (const [selector, there, whose] of sides) {
    const parsed = parseSelector(webhook[selector] ?? {})
    if (parsed.is === 'invalid') {
      const problem = [parsed.field, parsed.problem].filter((part) => part !== '').join(' ')
      return { is: 'unknown', reason: { code: 'webhook_selector_unreadable', args: { entry, selector, problem } } }
    }
    for (const requirement of parsed.selector.filter((one) => !matches([one], there)))
      unmet.push({ selector, requirement, has: hasText(requirement.key, there, whose) })
  }
  if (unmet.length > 0) return { is: 'passes over', unmet }
  // the decision leaves mirror pods alone by itself
  const conditions = objectsOf(webhook['matchConditions'])
    .filter(({ expression }) => expression !== NOT_A_MIRROR.expression)
    .map(({ name }) => stringOr(name) ?? '')
  if (conditions.length === 0) return { is: 'asks' }
  const args = { entry, conditions: conditions.join(', ') }
  return { is: 'unknown', reason: { code: 'webhook_condition_unknown', args } }
}

function hasText(key: string, labels: Labels, whose: string): string {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined
  return value === undefined ? `no label ${key} on ${whose}` : `${key}=${shown(value)} on ${whose}`
}

function requirementText({ key, operator, values }: Requirement): string {
  switch (operator) {
    case 'In':
      return `${key} in (${values.join(', ')})`
    case 'NotIn':
      return `${key} not in (${values.join(', ')})`
    case 'Exists':
      return `a label ${key}`
    case 'DoesNotExist':
      return `no label ${key}`
  }
}

/** Is the entry asked about CREATE of pods of the core group? */
function asksAboutNewPods(webhook: JsonObject): boolean {
  const names = (list: unknown, ...wanted: readonly string[]): boolean =>
    isList(list) && list.some((entry) => entry === '*' || wanted.some((name) => name === entry))
  return objectsOf(webhook['rules']).some(
    (rule) =>
      names(rule['operations'], 'CREATE') &&
      names(rule['apiGroups'], '') &&
      names(rule['apiVersions'], 'v1') &&
      names(rule['resources'], 'pods', '*/*') &&
      rule['scope'] !== 'Cluster',
  )
}
