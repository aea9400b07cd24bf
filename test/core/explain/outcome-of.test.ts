import assert from 'node:assert/strict'
import { test } from 'node:test'
import { auditAnnotations, refusalMessage, warningLines } from '../../../src/core/explain/admission-texts.ts'
import { outcomeOf } from '../../../src/core/explain/outcome-of.ts'
import { reportOf, tableOf } from '../../../src/core/explain/report.ts'
import { decidedMode } from '../../../src/core/explain/words.ts'
import { intentOnNode } from '../../../src/core/intent/enrolment.ts'
import { parseEnablement } from '../../../src/core/settings/enablement-text.ts'
import { ambientStanding, ISTIO_AMBIENT_RULES } from '../../../src/core/intent/ambient-standing.ts'
import { annotationsOf, labelsOf, specOf } from '../../../src/core/json/pod.ts'
import { factsOf, NONE_COVERED } from '../decision/facts-fixture.ts'

const FORGED = {
  'sluice-mesh.io/decided': 'cni',
  'sluice-mesh.io/reason': 'x',
  'sluice-mesh.io/intent': 'x',
  keep: 'me',
}

test('a pod that is left alone comes back as the very same object', () => {
  const facts = factsOf({ spec: { hostNetwork: true } })
  assert.equal(outcomeOf(facts).pod, facts.pod)
})

test('an answer that a request brings is removed where there is none to give', () => {
  const { pod } = outcomeOf(factsOf({ spec: { hostNetwork: true }, annotations: FORGED }))
  assert.deepEqual({ ...annotationsOf(pod) }, { keep: 'me' })
})

test('an answer that a request brings is overwritten', () => {
  const { pod } = outcomeOf(factsOf({ annotations: FORGED }))
  assert.deepEqual(
    { ...annotationsOf(pod) },
    {
      keep: 'me',
      'sluice-mesh.io/decided': 'ambient',
      'sluice-mesh.io/reason': 'ambient_first',
      'sluice-mesh.io/intent': '{"v":1,"kind":"ambient"}',
    },
  )
})

test('an ambient pod carries the label that the node agent and istiod look for, unless its namespace does', () => {
  assert.equal(labelsOf(outcomeOf(factsOf({})).pod)['istio.io/dataplane-mode'], 'ambient')
  const namespaceLabels = { 'istio.io/dataplane-mode': 'ambient' }
  assert.equal(labelsOf(outcomeOf(factsOf({ namespaceLabels })).pod)['istio.io/dataplane-mode'], undefined)
})

test('a wish to stay out of an ambient namespace is one that the node agent goes by, too, and asked again nothing changes', () => {
  const namespaceLabels = { 'istio.io/dataplane-mode': 'ambient' }
  const labels = { 'sluice-mesh.io/mode': 'none' }
  const facts = factsOf({ namespaceLabels, labels })
  const { pod, decision } = outcomeOf(facts)
  assert.equal(decision.is, 'left')
  assert.equal(labelsOf(pod)['istio.io/dataplane-mode'], 'none')
  const around = { name: 'shop', labels: namespaceLabels }
  assert.equal(ambientStanding(facts.pod, around, ISTIO_AMBIENT_RULES).is, 'in')
  assert.equal(ambientStanding(pod, around, ISTIO_AMBIENT_RULES).is, 'out')
  assert.equal(outcomeOf({ ...facts, pod }).pod, pod)
  const elsewhere = factsOf({ labels })
  assert.equal(outcomeOf(elsewhere).pod, elsewhere.pod)
})

const OWN_SELECTORS = parseEnablement(
  '[{podSelector: {matchLabels: {team: mesh}}}, {podSelector: {matchLabels: {istio.io/dataplane-mode: ambient}}, namespaceSelector: {matchLabels: {mesh: "yes"}}}]',
)
const AMBIENT_LABEL = { 'istio.io/dataplane-mode': 'ambient' }

for (const { name, labels = {}, namespaceLabels = {}, want } of [
  { name: "the pod's label", labels: { team: 'mesh' }, want: 'ambient' },
  { name: "Istio's label where it counts", labels: AMBIENT_LABEL, namespaceLabels: { mesh: 'yes' }, want: 'ambient' },
  { name: "Istio's label where it does not count", labels: AMBIENT_LABEL, want: 'cni' },
  {
    name: 'an ambient namespace whose pods must ask',
    namespaceLabels: { ...AMBIENT_LABEL, mesh: 'yes' },
    want: 'ambient',
  },
  { name: 'an ambient namespace that does not count', namespaceLabels: AMBIENT_LABEL, want: 'cni' },
  { name: 'nothing', want: 'cni' },
  { name: 'a wish that the agent would not follow', labels: { 'sluice-mesh.io/mode': 'ambient' }, want: 'none' },
] as const)
  test(`selectors of one's own: webhook, explain and agent agree about ${name}`, () => {
    const facts = factsOf({ labels, namespaceLabels, policy: { ambientEnablement: OWN_SELECTORS } })
    const outcome = outcomeOf(facts)
    const around = { namespace: 'shop', namespaceLabels, excludedNamespaces: [], enablement: OWN_SELECTORS }
    const rules = { enablement: OWN_SELECTORS, excludedNamespaces: [] }
    const standing = ambientStanding(outcome.pod, { name: 'shop', labels: namespaceLabels }, rules)
    assert.equal(decidedMode(outcome.decision), want)
    assert.equal(standing.is, want === 'ambient' ? 'in' : 'out')
    const onNode = intentOnNode(outcome.pod, { ...around, ambient: true })
    assert.equal(onNode.is === 'redirect' && onNode.intent.kind === 'ambient', want === 'ambient')
    assert.equal(outcomeOf({ ...facts, pod: outcome.pod }).pod, outcome.pod)
    if (want !== 'ambient') assert.match(JSON.stringify(reportOf(outcome)), /ambient_not_selected/)
  })

test('ambient pods of the namespaces that the policy names are Ready only when measured, and others as ever', () => {
  const policy = { readinessGate: ['shop'] }
  const gates = [{ conditionType: 'sluice-mesh.io/redirected' }]
  const facts = factsOf({ policy, spec: { readinessGates: [{ conditionType: 'example.com/other' }] } })
  const { pod } = outcomeOf(facts)
  assert.deepEqual(specOf(pod)['readinessGates'], [{ conditionType: 'example.com/other' }, ...gates])
  assert.equal(outcomeOf({ ...facts, pod }).pod, pod)
  const labels = { 'sluice-mesh.io/mode': 'cni' }
  for (const other of [factsOf({ policy, namespace: 'bank' }), factsOf({ policy, labels })])
    assert.equal(specOf(outcomeOf(other).pod)['readinessGates'], undefined)
})

test('a refusal says the same words on every surface', () => {
  const facts = factsOf({
    namespaceLabels: { 'istio.io/dataplane-mode': 'ambient' },
    coverage: { ambient: NONE_COVERED },
  })
  const outcome = outcomeOf(facts)
  assert.equal(outcome.pod, facts.pod)
  assert.deepEqual(auditAnnotations(outcome), { mode: 'none', reason: 'no_mode_possible' })
  const report = reportOf(outcome)
  assert.equal(report.rejected[0]?.reason, 'nodes_not_covered')
  for (const text of [refusalMessage(outcome), tableOf(outcome), warningLines(outcome, true).join('\n')])
    for (const { message } of report.rejected) assert.ok(text.includes(message), `${message} in ${text}`)
})

test('a setting that istio-init cannot apply is warned of in mode init, and refused where the node would have to', () => {
  const annotations = { 'traffic.sidecar.istio.io/includeOutboundPorts': 'abc' }
  const init = outcomeOf(factsOf({ labels: { 'sluice-mesh.io/mode': 'init' }, annotations }))
  assert.equal(init.decision.is, 'meshed')
  assert.ok(init.warnings.some(({ code }) => code === 'init_will_fail'))
  assert.equal(annotationsOf(init.pod)['sluice-mesh.io/intent'], undefined)
  const cni = outcomeOf(factsOf({ labels: { 'sluice-mesh.io/mode': 'cni' }, annotations }))
  assert.equal(cni.decision.is, 'refused')
  assert.equal(cni.decision.reason.code, 'intent_invalid')
})
