import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diff } from '../../../src/core/admission/patch.ts'
import { asCreated, isLive, modeOfLivePod } from '../../../src/core/explain/live-pod.ts'
import { outcomeOf } from '../../../src/core/explain/outcome-of.ts'
import { stalenessOf } from '../../../src/core/explain/staleness.ts'
import { annotationsOf, withAnnotations, withLabels } from '../../../src/core/json/pod.ts'
import type { JsonObject } from '../../../src/core/json/value.ts'
import { factsOf, type Given, NONE_COVERED } from '../decision/facts-fixture.ts'

const SIDECARS: Given = { namespaceLabels: { 'istio-injection': 'enabled' } }
const UNCOVERED: Given = { ...SIDECARS, coverage: { cni: NONE_COVERED } }
const made = (given: Given): JsonObject => outcomeOf(factsOf(given)).pod

/** `from → to: number of changes`, or `fresh` */
function inShort(pod: JsonObject, today: Given): string {
  const outcome = outcomeOf({ ...factsOf(today), pod })
  const { stale, from, to, changes } = stalenessOf(pod, outcome, diff(pod, outcome.pod))
  return stale ? `${from} → ${to}: ${changes.length > 0 ? 'changes' : 'no changes'}` : 'fresh'
}

/** As istiod's own injector leaves it: no answer of Sluice's. */
function withoutAnswers(pod: JsonObject): JsonObject {
  const answers = Object.keys(annotationsOf(pod)).filter((name) => name.startsWith('sluice-mesh.io/'))
  return withAnnotations(pod, Object.fromEntries(answers.map((name) => [name, undefined])))
}

for (const [name, got, want] of [
  ['a pod that would be made the same', inShort(made(SIDECARS), SIDECARS), 'fresh'],
  ['one that Istio injected the same way', inShort(withoutAnswers(made(SIDECARS)), SIDECARS), 'fresh'],
  ['one whose nodes have got an agent since', inShort(made(UNCOVERED), SIDECARS), 'init → cni: changes'],
  [
    'one whose namespace left the mesh',
    inShort(made(SIDECARS), { namespaceLabels: { 'istio-injection': 'disabled' } }),
    'cni → none: no changes',
  ],
  ['one that was never injected', inShort(factsOf(SIDECARS).pod, SIDECARS), 'none → cni: changes'],
  [
    'one that would be refused',
    inShort(withLabels(made(SIDECARS), { 'sluice-mesh.io/mode': 'fast' }), SIDECARS),
    'cni → refused: no changes',
  ],
] as const)
  test(`would a running pod be made otherwise today? ${name}`, () => {
    assert.equal(got, want)
  })

test('a running pod is sent again without what the API server, the scheduler and kubectl debug added', () => {
  const pod = {
    metadata: {
      name: 'a',
      uid: 'x',
      resourceVersion: '1',
      creationTimestamp: 'x',
      managedFields: [],
      labels: { a: 'b' },
    },
    spec: { nodeName: 'n', ephemeralContainers: [{ name: 'debug' }], containers: [{ name: 'a' }] },
    status: { phase: 'Running' },
  }
  assert.deepEqual(asCreated(pod), {
    metadata: { name: 'a', labels: { a: 'b' } },
    spec: { containers: [{ name: 'a' }] },
  })
  assert.deepEqual([isLive(pod), isLive({ status: { phase: 'Succeeded' } })], [true, false])
})

test('the mode of a running pod is read from its containers, then from what its node wrote', () => {
  const enrolled = {
    metadata: { annotations: { 'ambient.istio.io/redirection': 'enabled' } },
    spec: { containers: [] },
  }
  const gateway = { spec: { containers: [{ name: 'istio-proxy' }] } }
  const modes = [made(SIDECARS), made(UNCOVERED), enrolled, gateway, {}].map(modeOfLivePod)
  assert.deepEqual(modes, ['cni', 'init', 'ambient', 'none', 'none'])
})
