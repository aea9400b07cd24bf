import { annotationsOf, labelsOf } from '../json/pod.ts'
import { asksForAmbient } from '../settings/ambient-enablement.ts'
import type { Family } from '../vocabulary/modes.ts'
import { ISTIO_LABELS } from '../vocabulary/names.ts'
import type { Reason } from '../vocabulary/reasons.ts'
import type { InjectorVerdict } from './eligibility.ts'
import type { Facts } from './facts.ts'
import type { Source } from './source.ts'
import { labelSource } from './source.ts'
import type { Wished } from './wish.ts'

/** What Istio's own labels say about a pod: a family, to stay out, or nothing (undefined). */
export type LabelsAsk =
  | { readonly ask: Family; readonly by: Source }
  | { readonly ask: 'out'; readonly by: Source; readonly reason: Reason }
  | undefined

type Labels = Readonly<Record<string, string>>

interface Labelled {
  readonly pod: Labels
  readonly namespace: Labels
  /** `sidecar.istio.io/inject` of the pod: a label that is present hides the annotation */
  readonly inject: { readonly value: string; readonly kind: 'label' | 'annotation' } | undefined
}

/**
 * Reads Istio's labels as Istio does: the selectors of its webhook (injector.md §2) for sidecars, the node agent's rule for
 * ambient. A sidecar beats ambient. `wished` matters only for `istio.io/dataplane-mode=none`, which keeps a pod out of
 * ambient alone, hence out of the mesh where nothing but ambient was asked for.
 */
export function labelsAsk(
  facts: Pick<Facts, 'pod' | 'namespace' | 'policy'>,
  verdict: InjectorVerdict,
  wished: Wished,
): LabelsAsk {
  const labelled: Labelled = {
    pod: labelsOf(facts.pod),
    namespace: facts.namespace.labels,
    inject: injectOf(facts),
  }
  const sidecar = sidecarAsk(labelled, verdict)
  if (sidecar !== undefined) return { ask: 'sidecar', by: sidecar }
  const ambient = ambientAsk(labelled, facts.policy)
  if (ambient !== undefined) return { ask: 'ambient', by: ambient }
  if (labelled.inject?.value === 'false') return optOut(labelled.inject.kind)
  const noAmbient = ambientRefusal(facts)
  const onlyAmbient = wished.wish === 'ambient' || labelled.namespace[ISTIO_LABELS.dataplaneMode] === 'ambient'
  // a label on the pod is nearer than one on the namespace
  const nearer = wished.by.place === 'pod' && noAmbient?.place === 'namespace'
  if (noAmbient !== undefined && onlyAmbient && !nearer) return out(noAmbient)
  const injection = labelled.namespace[ISTIO_LABELS.injection]
  if (injection !== undefined && injection !== 'enabled')
    return out(labelSource('namespace', ISTIO_LABELS.injection, injection))
  return undefined
}

/** The label `istio.io/dataplane-mode=none` that keeps a pod out of ambient, if there is one. */
export function ambientRefusal({ pod, namespace }: Pick<Facts, 'pod' | 'namespace'>): Source | undefined {
  const own = labelsOf(pod)[ISTIO_LABELS.dataplaneMode]
  if (own === 'none') return labelSource('pod', ISTIO_LABELS.dataplaneMode, own)
  if (own !== 'ambient' && namespace.labels[ISTIO_LABELS.dataplaneMode] === 'none')
    return labelSource('namespace', ISTIO_LABELS.dataplaneMode, 'none')
  return undefined
}

function injectOf({ pod }: Pick<Facts, 'pod'>): Labelled['inject'] {
  const label = labelsOf(pod)[ISTIO_LABELS.inject]
  const value = label ?? annotationsOf(pod)[ISTIO_LABELS.inject]
  if (value === undefined) return undefined
  return { value, kind: label === undefined ? 'annotation' : 'label' }
}

/** The label by which a webhook of Istio would select the pod, less what the injector then leaves alone by that label. */
function sidecarAsk({ pod, namespace, inject }: Labelled, verdict: InjectorVerdict): Source | undefined {
  if (inject?.value === 'false') return undefined
  const injection = namespace[ISTIO_LABELS.injection]
  if (injection !== undefined)
    return injection === 'enabled' ? labelSource('namespace', ISTIO_LABELS.injection, injection) : undefined
  const namespaceRevision = namespace[ISTIO_LABELS.revision]
  if (namespaceRevision !== undefined) return labelSource('namespace', ISTIO_LABELS.revision, namespaceRevision)
  const podRevision = pod[ISTIO_LABELS.revision]
  if (podRevision !== undefined) return labelSource('pod', ISTIO_LABELS.revision, podRevision)
  if (pod[ISTIO_LABELS.inject] === 'true') return labelSource('pod', ISTIO_LABELS.inject, 'true')
  if (verdict.injects && verdict.because === 'always_selector')
    return { place: 'injector', text: "alwaysInjectSelector of the injector's configuration" }
  return undefined
}

/** The node's own rule: what the webhook takes for ambient, the agent of the node does, too. */
function ambientAsk({ pod, namespace }: Labelled, { ambientEnablement }: Facts['policy']): Source | undefined {
  if (!asksForAmbient(ambientEnablement, pod, namespace)) return undefined
  const { dataplaneMode } = ISTIO_LABELS
  if (pod[dataplaneMode] === 'ambient') return labelSource('pod', dataplaneMode, 'ambient')
  if (namespace[dataplaneMode] === 'ambient') return labelSource('namespace', dataplaneMode, 'ambient')
  const place = asksForAmbient(ambientEnablement, pod, {}) ? 'pod' : 'namespace'
  return { place, text: 'ambientEnablement of the policy' }
}

function out(by: Source): LabelsAsk {
  return { ask: 'out', by, reason: { code: 'labels_out', args: { label: by.text } } }
}

function optOut(kind: 'label' | 'annotation'): LabelsAsk {
  const by = labelSource('pod', ISTIO_LABELS.inject, 'false', kind)
  return { ask: 'out', by, reason: { code: `${kind}_false`, args: {} } }
}
