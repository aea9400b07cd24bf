import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decide } from '../../../src/core/decision/decide.ts'
import { voicesOf } from '../../../src/core/decision/voices.ts'
import { type Given, factsOf, rehearsed } from './facts-fixture.ts'

/** `effect asks: source`, a line each, less the policy's defaults */
function voices(given: Given): readonly string[] {
  const facts = factsOf(given)
  const decision = decide(facts, (mode) => rehearsed(facts, mode))
  return voicesOf(facts, decision)
    .filter(({ place, effect }) => place !== 'policy' || effect === 'decided')
    .map(({ effect, asks, text }) => `${effect} ${asks}: ${text}`)
}

const TABLE: readonly (readonly [name: string, given: Given, want: readonly string[]])[] = [
  ['nobody asks: the policy decides', {}, ["decided ambient: the policy's families"]],
  [
    "a pod's opt-out beats its namespace",
    { namespaceLabels: { 'istio-injection': 'enabled' }, labels: { 'sidecar.istio.io/inject': 'false' } },
    [
      "decided none: the pod's label sidecar.istio.io/inject=false",
      "lost sidecar: the namespace's label istio-injection=enabled",
    ],
  ],
  [
    'a sidecar beats ambient',
    { namespaceLabels: { 'istio-injection': 'enabled', 'istio.io/dataplane-mode': 'ambient' } },
    [
      "decided sidecar: the namespace's label istio-injection=enabled",
      "lost ambient: the namespace's label istio.io/dataplane-mode=ambient",
    ],
  ],
  [
    'two labels that say the same',
    {
      namespaceLabels: { 'istio.io/rev': 'blue' },
      labels: { 'istio.io/rev': 'red', 'sidecar.istio.io/inject': 'true' },
    },
    [
      "decided sidecar: the namespace's label istio.io/rev=blue",
      "agrees sidecar: the pod's label sidecar.istio.io/inject=true",
      "agrees sidecar: the pod's label istio.io/rev=red",
    ],
  ],
  [
    'a label hides the annotation of the same name',
    {
      namespaceLabels: { 'istio-injection': 'enabled' },
      labels: { 'sidecar.istio.io/inject': 'true' },
      annotations: { 'sidecar.istio.io/inject': 'false' },
    },
    [
      "decided sidecar: the namespace's label istio-injection=enabled",
      "agrees sidecar: the pod's label sidecar.istio.io/inject=true",
      "lost none: the pod's annotation sidecar.istio.io/inject=false",
    ],
  ],
  [
    'a field of the pod that no mesh can do anything about',
    { namespaceLabels: { 'istio-injection': 'enabled' }, spec: { hostNetwork: true } },
    ["decided none: the pod's spec.hostNetwork=true", "lost sidecar: the namespace's label istio-injection=enabled"],
  ],
  [
    'a wish that is misspelt',
    { labels: { 'sluice-mesh.io/mode': 'cin' } },
    ["decided nothing known: the pod's label sluice-mesh.io/mode=cin"],
  ],
  [
    'the wish of a pod beats that of its namespace',
    { namespaceLabels: { 'sluice-mesh.io/mode': 'ambient' }, labels: { 'sluice-mesh.io/mode': 'cni' } },
    [
      "decided cni: the pod's label sluice-mesh.io/mode=cni",
      "lost ambient: the namespace's label sluice-mesh.io/mode=ambient",
    ],
  ],
]

for (const [name, given, want] of TABLE)
  test(`who is heard: ${name}`, () => {
    assert.deepEqual(voices(given), want)
  })
