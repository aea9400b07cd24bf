import { annotationsOf, labelsOf, specOf } from '../json/pod.ts'
import { matches, parseSelector } from '../settings/label-selector.ts'
import type { LabelSelector } from '../settings/injector-config.ts'
import { ISTIO_LABELS } from '../vocabulary/names.ts'
import type { Reason } from '../vocabulary/reasons.ts'
import type { Facts } from './facts.ts'
import { labelSource, shown, type Source } from './source.ts'

/** Namespaces of the cluster itself, in which Istio injects nothing (injector.md §3, row 2). */
export const IGNORED_NAMESPACES = ['kube-system', 'kube-public', 'kube-node-lease', 'local-path-storage'] as const

/** What Istio's injector would say about a pod that reaches it, and by which row of its table. */
export type InjectorVerdict = { readonly warnings: readonly Reason[] } & (
  | {
      readonly injects: true
      readonly because: 'label_true' | 'annotation_true' | 'always_selector' | 'policy_enabled'
    }
  | { readonly injects: false; readonly reason: Reason }
)

/** What eligibility reads of the facts. */
export type EligibilityFacts = Pick<Facts, 'pod' | 'namespace' | 'settings'>

/**
 * Istio's own table, first match wins (injector.md §3): host network, ignored namespaces, an invalid policy, the label or
 * annotation `sidecar.istio.io/inject`, the two selector lists, the policy. A present but empty label hides the annotation.
 */
export function injectorVerdict({ pod, namespace, settings }: EligibilityFacts): InjectorVerdict {
  const { policy, neverInjectSelector, alwaysInjectSelector } = settings.injector
  if (specOf(pod)['hostNetwork'] === true) return no({ code: 'host_network', args: {} })
  if (IGNORED_NAMESPACES.some((name) => name === namespace.name))
    return no({ code: 'ignored_namespace', args: { namespace: namespace.name } })
  if (policy !== 'enabled' && policy !== 'disabled')
    return no({ code: 'policy_invalid', args: { policy: JSON.stringify(policy) } })

  const labels = labelsOf(pod)
  const label = labels[ISTIO_LABELS.inject]
  const place = label === undefined ? 'annotation' : 'label'
  const value = label ?? annotationsOf(pod)[ISTIO_LABELS.inject] ?? ''
  if (value === 'true') return { injects: true, because: `${place}_true`, warnings: [] }
  if (value === 'false') return no({ code: `${place}_false`, args: {} })

  const unknown: Reason[] = value === '' ? [] : [{ code: 'inject_value_unknown', args: { value: shown(value) } }]
  const never = firstMatch('neverInjectSelector', neverInjectSelector, labels)
  const always = firstMatch('alwaysInjectSelector', alwaysInjectSelector, labels)
  const warnings = [...unknown, ...never.warnings, ...always.warnings]
  if (never.index >= 0)
    return { injects: false, reason: { code: 'never_selector', args: { index: never.index } }, warnings }
  if (always.index >= 0) return { injects: true, because: 'always_selector', warnings }
  if (policy === 'enabled') return { injects: true, because: 'policy_enabled', warnings }
  return { injects: false, reason: { code: 'policy_disabled', args: {} }, warnings }
}

function no(reason: Reason): InjectorVerdict {
  return { injects: false, reason, warnings: [] }
}

/** Where that stands by which the injector leaves a pod alone. */
export function verdictSource(reason: Reason): Source {
  switch (reason.code) {
    case 'host_network':
      return { place: 'pod', text: "the pod's spec.hostNetwork=true" }
    case 'ignored_namespace':
      return { place: 'namespace', text: "the namespace's name" }
    case 'label_false':
      return labelSource('pod', ISTIO_LABELS.inject, 'false')
    case 'annotation_false':
      return labelSource('pod', ISTIO_LABELS.inject, 'false', 'annotation')
    case 'never_selector':
      return { place: 'injector', text: `neverInjectSelector[${reason.args.index}] of the injector's configuration` }
    default:
      return { place: 'injector', text: "the policy of the injector's configuration" }
  }
}

/** The first selector that matches; an invalid one is skipped with a warning, an empty one matches nothing (as in Istio). */
function firstMatch(
  list: 'neverInjectSelector' | 'alwaysInjectSelector',
  raw: readonly LabelSelector[],
  labels: Readonly<Record<string, string>>,
): { readonly index: number; readonly warnings: readonly Reason[] } {
  const warnings: Reason[] = []
  const index = raw.findIndex((entry, position) => {
    const parsed = parseSelector(entry)
    if (parsed.is === 'selector') return parsed.selector.length > 0 && matches(parsed.selector, labels)
    const field = [`${list}[${position}]`, parsed.field].filter((part) => part !== '').join('.')
    warnings.push({ code: 'selector_invalid', args: { field, problem: parsed.problem } })
    return false
  })
  return { index, warnings }
}
