import { annotationsOf, labelsOf } from '../json/pod.ts'
import type { Family, Wish } from '../vocabulary/modes.ts'
import { familyOf, WISHES } from '../vocabulary/modes.ts'
import { ISTIO_LABELS, SLUICE_LABELS } from '../vocabulary/names.ts'
import type { Decision } from './decision.ts'
import type { Facts } from './facts.ts'
import { sidecarNeed } from './sidecar-needs.ts'
import { labelSource, type Source } from './source.ts'

/** What one label or setting asks for, taken by itself. */
type Asks = Wish | Family | 'no ambient' | 'nothing known'

/**
 * A label, annotation or setting that speaks about a pod, and what came of it: `decided` was followed, `agrees` asks for
 * what was done, `lost` asks for something else.
 */
export interface Voice extends Source {
  readonly asks: Asks
  readonly effect: 'decided' | 'agrees' | 'lost'
}

type Claim = Source & { readonly asks: Asks }

/** Everything that speaks about the pod of `facts`, the one that was followed first, then what agrees, then what lost. */
export function voicesOf(facts: Facts, decision: Decision): readonly Voice[] {
  const claims = claimsOf(facts)
  const decided = claims.find(({ text }) => text === decision.by.text) ?? { ...decision.by, asks: outcomeOf(decision) }
  const others = claims
    .filter(({ text }) => text !== decided.text)
    .map((claim): Voice => ({ ...claim, effect: agrees(claim.asks, decision) ? 'agrees' : 'lost' }))
  return [
    { ...decided, effect: 'decided' },
    ...others.filter(({ effect }) => effect === 'agrees'),
    ...others.filter(({ effect }) => effect === 'lost'),
  ]
}

function outcomeOf(decision: Decision): Asks {
  return decision.is === 'meshed' ? decision.mode : 'none'
}

/** Is what became of the pod one of the things that `asks` allows? A pod that was refused got what nobody asked for. */
function agrees(asks: Asks, decision: Decision): boolean {
  const mode = decision.is === 'meshed' ? decision.mode : undefined
  switch (asks) {
    case 'nothing known':
      return false
    case 'none':
      return decision.is === 'left'
    case 'no ambient':
      return mode !== 'ambient'
    case 'auto':
      return mode !== undefined
    case 'sidecar':
      return mode !== undefined && familyOf(mode) === 'sidecar'
    case 'ambient':
    case 'cni':
    case 'init':
      return mode === asks
  }
}

function claimsOf(facts: Facts): readonly Claim[] {
  const { pod, namespace, policy } = facts
  const own = labelsOf(pod)
  const need = sidecarNeed(pod)
  const annotated = annotationsOf(pod)[ISTIO_LABELS.inject]
  return [
    ...labelled('pod', SLUICE_LABELS.mode, own, wishAsked),
    ...labelled('pod', ISTIO_LABELS.inject, own, injectAsked),
    ...(annotated === undefined
      ? []
      : [{ ...labelSource('pod', ISTIO_LABELS.inject, annotated, 'annotation'), asks: injectAsked(annotated) }]),
    ...labelled('pod', ISTIO_LABELS.revision, own, () => 'sidecar'),
    ...labelled('pod', ISTIO_LABELS.dataplaneMode, own, dataplaneAsked),
    ...(need === undefined ? [] : [{ place: 'pod', text: `the pod's ${need}`, asks: 'sidecar' } as const]),
    ...labelled('namespace', SLUICE_LABELS.mode, namespace.labels, wishAsked),
    ...labelled('namespace', ISTIO_LABELS.injection, namespace.labels, (value) =>
      value === 'enabled' ? 'sidecar' : 'none',
    ),
    ...labelled('namespace', ISTIO_LABELS.revision, namespace.labels, () => 'sidecar'),
    ...labelled('namespace', ISTIO_LABELS.dataplaneMode, namespace.labels, dataplaneAsked),
    { place: 'policy', text: `the policy's defaultMode=${policy.defaultMode}`, asks: policy.defaultMode },
    ...policy.families
      .slice(0, 1)
      .map((family) => ({ place: 'policy', text: "the policy's families", asks: family }) as const),
  ]
}

function labelled(
  place: 'pod' | 'namespace',
  key: string,
  labels: Readonly<Record<string, string>>,
  asked: (value: string) => Asks,
): readonly Claim[] {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined
  return value === undefined ? [] : [{ ...labelSource(place, key, value), asks: asked(value) }]
}

function wishAsked(value: string): Asks {
  return WISHES.find((wish) => wish === value) ?? 'nothing known'
}

function injectAsked(value: string): Asks {
  if (value === 'true') return 'sidecar'
  return value === 'false' ? 'none' : 'nothing known'
}

function dataplaneAsked(value: string): Asks {
  if (value === 'ambient') return 'ambient'
  return value === 'none' ? 'no ambient' : 'nothing known'
}
