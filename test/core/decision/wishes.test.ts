import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Given } from './facts-fixture.ts'
import { NONE_COVERED } from './facts-fixture.ts'
import { AMBIENT_NS, APP_X, inject, inShort, LABELS_WIN, LEGACY_ALLOWED, SIDECAR_NS, wish } from './decide-fixture.ts'

const TABLE: readonly (readonly [name: string, given: Given, want: string])[] = [
  [
    'a wish on the pod is granted',
    { labels: wish('init') },
    'init wish_granted ambient:wish_otherwise cni:wish_otherwise',
  ],
  [
    'a wish that cannot be is refused, not replaced',
    { labels: wish('cni'), coverage: { cni: NONE_COVERED } },
    'refused wish_impossible ambient:wish_otherwise cni:nodes_not_covered init:wish_otherwise',
  ],
  [
    'a wish that cannot be is refused even where the policy admits',
    { labels: wish('cni'), coverage: { cni: NONE_COVERED }, policy: { onImpossible: 'admit' } },
    'refused wish_impossible ambient:wish_otherwise cni:nodes_not_covered init:wish_otherwise',
  ],
  ['a misspelt wish is refused', { labels: wish('Ambient') }, 'refused wish_unknown'],
  ['a wish for none opts out', { namespaceLabels: SIDECAR_NS, labels: wish('none') }, 'left wish_none'],
  [
    'a pod may opt out of a family by an annotation',
    { namespaceLabels: SIDECAR_NS, annotations: inject('false') },
    'left annotation_false',
  ],
  [
    'a pod that refuses a sidecar may still be ambient',
    { namespaceLabels: { ...SIDECAR_NS, ...AMBIENT_NS }, labels: inject('false') },
    'ambient ambient_first',
  ],
  [
    'in an ambient namespace refusing a sidecar is no opt-out',
    { namespaceLabels: AMBIENT_NS, labels: inject('false') },
    'ambient ambient_first',
  ],
  [
    'a pod may opt out of ambient',
    { namespaceLabels: AMBIENT_NS, labels: { 'istio.io/dataplane-mode': 'none' } },
    'left labels_out',
  ],
  [
    'another value of the ambient label is no opt-out',
    { namespaceLabels: AMBIENT_NS, labels: { 'istio.io/dataplane-mode': 'x' } },
    'ambient ambient_first',
  ],
  ['a namespace may refuse sidecars', { namespaceLabels: { 'istio-injection': 'disabled' } }, 'left labels_out'],
  [
    'a namespace that refuses sidecars may be ambient',
    { namespaceLabels: { 'istio-injection': 'disabled', ...AMBIENT_NS } },
    'ambient ambient_first',
  ],
  [
    'a wish on the pod beats neverInjectSelector',
    { labels: wish('cni'), injector: { neverInjectSelector: [APP_X] } },
    'cni wish_granted ambient:wish_otherwise',
  ],
  [
    'a wish on the namespace does not',
    { namespaceLabels: wish('cni'), injector: { neverInjectSelector: [APP_X] } },
    'left never_selector',
  ],
  [
    'a wish on the namespace beats a disabled policy',
    { namespaceLabels: wish('auto'), injector: { policy: 'disabled' } },
    'ambient ambient_first',
  ],
  [
    'an unreadable policy does not silently drop a wish',
    { labels: wish('cni'), injector: { policy: 'on' } },
    'refused wish_impossible ambient:wish_otherwise cni:policy_invalid init:wish_otherwise',
  ],
  [
    'the default of the policy may name a mode',
    { policy: { defaultMode: 'init' } },
    'init wish_granted ambient:wish_otherwise cni:wish_otherwise',
  ],
  [
    'labels beat a default of the other family',
    { namespaceLabels: AMBIENT_NS, policy: { defaultMode: 'init' } },
    'ambient ambient_first',
  ],
  [
    'the default of the policy may be none',
    { namespaceLabels: SIDECAR_NS, policy: { defaultMode: 'none' } },
    'left wish_none',
  ],
  [
    'a wish on the pod beats one on the namespace',
    { namespaceLabels: wish('init'), labels: wish('ambient') },
    'ambient wish_granted',
  ],
  [
    'a wish for auto is narrowed by labels',
    { namespaceLabels: { ...AMBIENT_NS, ...wish('auto') } },
    'ambient ambient_first',
  ],
  [
    'a wish against the labels wins by default, and is told',
    { namespaceLabels: SIDECAR_NS, labels: wish('ambient') },
    'ambient wish_granted !wish_contradicts_labels',
  ],
  [
    'the labels win where the policy says so',
    { namespaceLabels: SIDECAR_NS, labels: wish('ambient'), policy: LABELS_WIN },
    'cni cni_first ambient:family_by_labels !wish_contradicts_labels',
  ],
  [
    'a wish and an opt-out on one pod contradict each other',
    { labels: { ...wish('cni'), ...inject('false') } },
    'cni wish_granted ambient:wish_otherwise !wish_contradicts_labels',
  ],
  [
    'a wish and an opt-out on one pod, labels first',
    { labels: { ...wish('cni'), ...inject('false') }, policy: LABELS_WIN },
    'left label_false !wish_contradicts_labels',
  ],
  [
    'a wish for none and a label for the mesh on one pod contradict each other',
    { labels: { ...wish('none'), ...inject('true') }, policy: LABELS_WIN },
    'cni cni_first ambient:family_by_labels !wish_contradicts_labels',
  ],
  [
    'an opt-out against a wish of the namespace is no contradiction',
    { namespaceLabels: wish('cni'), labels: inject('false') },
    'left label_false',
  ],
  [
    'a wish for ambient against its opt-out on the same pod',
    { labels: { ...wish('ambient'), 'istio.io/dataplane-mode': 'none' } },
    'ambient wish_granted !wish_contradicts_labels',
  ],
  [
    'a wish of the pod for ambient in a namespace that is not',
    { namespaceLabels: { 'istio.io/dataplane-mode': 'none' }, labels: wish('ambient') },
    'ambient wish_granted',
  ],
  [
    'opting out may be denied',
    { namespaceLabels: SIDECAR_NS, labels: inject('false'), policy: { optOut: { default: 'deny', rules: [] } } },
    'refused opt_out_denied',
  ],
  [
    'opting out by a wish may be denied',
    { namespaceLabels: SIDECAR_NS, labels: wish('none'), policy: { optOut: { default: 'deny', rules: [] } } },
    'refused opt_out_denied',
  ],
  [
    'opting out of ambient may be denied',
    {
      namespaceLabels: AMBIENT_NS,
      labels: { 'istio.io/dataplane-mode': 'none' },
      policy: { optOut: { default: 'deny', rules: [] } },
    },
    'refused opt_out_denied',
  ],
  [
    'a namespace that stays out is no opt-out',
    { namespaceLabels: wish('none'), policy: { optOut: { default: 'deny', rules: [] } } },
    'left wish_none',
  ],
  [
    'opting out may be allowed where a rule says so',
    {
      namespaceLabels: { ...SIDECAR_NS, team: 'legacy' },
      labels: inject('false'),
      policy: { optOut: { default: 'deny', rules: [LEGACY_ALLOWED] } },
    },
    'left label_false',
  ],
]

for (const [name, given, want] of TABLE) test(name, () => assert.equal(inShort(given), want))
