import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fitWarnings } from '../../../src/core/admission/warnings.ts'
import { auditAnnotations, refusalMessage, warningLines } from '../../../src/core/explain/admission-texts.ts'
import { logFields } from '../../../src/core/explain/log-fields.ts'
import type { Outcome } from '../../../src/core/explain/outcome.ts'
import { outcomeOf } from '../../../src/core/explain/outcome-of.ts'
import { reportOf, tableOf } from '../../../src/core/explain/report.ts'
import { REASONS } from '../../../src/core/vocabulary/reasons.ts'
import type { Given } from '../decision/facts-fixture.ts'
import { factsOf, NONE_COVERED } from '../decision/facts-fixture.ts'

const SIDECAR_NS = { 'istio-injection': 'enabled' }
const of = (given: Given): Outcome => outcomeOf(factsOf(given))

const GRANTED = of({ namespaceLabels: SIDECAR_NS, coverage: { cni: NONE_COVERED } })
const REFUSED = of({
  namespaceLabels: { ...SIDECAR_NS, 'pod-security.kubernetes.io/enforce': 'restricted' },
  coverage: { cni: NONE_COVERED },
})
const ADMITTED = of({
  namespaceLabels: { 'istio.io/dataplane-mode': 'ambient' },
  coverage: { ambient: NONE_COVERED },
  policy: { onImpossible: 'admit' },
})
const LEFT = of({ spec: { hostNetwork: true } })

test('the table tells the decision, what was ruled out, who got NET_ADMIN and what to do', () => {
  assert.equal(
    tableOf(GRANTED),
    `decision     mode init
reason       init_last_resort: no mode with less privilege is possible for the pod (sidecar by the namespace's label istio-injection=enabled)
not ambient  family_by_labels: the namespace's label istio-injection=enabled asks for the sidecar family
not cni      nodes_not_covered: only 0 of the 3 nodes that could run the pod support cni; node-1 does not
NET_ADMIN    granted to istio-init
traffic      inbound TCP to every port but 15090, 15021, 15020 goes to port 15006 of the proxy
traffic      port 15008 (HBONE) is the proxy's own
traffic      outbound TCP goes to port 15001 of the proxy
traffic      what user 1337 or group 1337 sends is the proxy's own and is left alone
`,
  )
  assert.equal(
    tableOf(LEFT),
    `decision  left alone
reason    host_network: the pod uses the network of its node, which no mesh can redirect
`,
  )
  assert.match(tableOf(REFUSED), /^decision +refused$[^]*^to do +look at the agent's pod on that node/m)
})

test('the report has the keys that programs read', () => {
  assert.deepEqual(reportOf(GRANTED), {
    mode: 'init',
    reason: 'init_last_resort',
    message:
      "no mode with less privilege is possible for the pod (sidecar by the namespace's label istio-injection=enabled)",
    rejected: [
      {
        mode: 'ambient',
        reason: 'family_by_labels',
        message: "the namespace's label istio-injection=enabled asks for the sidecar family",
      },
      {
        mode: 'cni',
        reason: 'nodes_not_covered',
        message: 'only 0 of the 3 nodes that could run the pod support cni; node-1 does not',
      },
    ],
    warnings: [],
    netAdmin: ['istio-init'],
    traffic: [
      'inbound TCP to every port but 15090, 15021, 15020 goes to port 15006 of the proxy',
      "port 15008 (HBONE) is the proxy's own",
      'outbound TCP goes to port 15001 of the proxy',
      "what user 1337 or group 1337 sends is the proxy's own and is left alone",
    ],
  })
  for (const outcome of [REFUSED, ADMITTED, LEFT]) {
    assert.equal(reportOf(outcome).mode, 'none')
    assert.deepEqual(reportOf(outcome).traffic, [])
  }
})

test('a dry run is told everything, a real request only what needs attention', () => {
  assert.deepEqual(warningLines(GRANTED, true), [
    "sluice: mode init: init_last_resort: no mode with less privilege is possible for the pod (sidecar by the namespace's label istio-injection=enabled)",
    "sluice: not ambient: family_by_labels: the namespace's label istio-injection=enabled asks for the sidecar family",
    'sluice: not cni: nodes_not_covered: only 0 of the 3 nodes that could run the pod support cni; node-1 does not',
    'sluice: NET_ADMIN is granted to istio-init',
  ])
  assert.deepEqual(warningLines(GRANTED, false), [])
  assert.deepEqual(warningLines(LEFT, false), [])
  assert.match(warningLines(ADMITTED, false)[0] ?? '', /^sluice: not meshed: admitted_unmeshed: /)
})

test('a pod with a setting that is not heeded is told so in a real request, too', () => {
  const outcome = of({
    namespaceLabels: { 'istio.io/dataplane-mode': 'ambient' },
    annotations: { 'sidecar.istio.io/proxyCPU': '1' },
  })
  assert.deepEqual(warningLines(outcome, false), [
    'sluice: sidecar_settings_unused: ambient ignores what the pod sets for a sidecar: annotation sidecar.istio.io/proxyCPU',
  ])
})

test('the audit log learns mode, reason and who got NET_ADMIN', () => {
  assert.deepEqual(auditAnnotations(GRANTED), { mode: 'init', reason: 'init_last_resort', 'net-admin': 'istio-init' })
  assert.deepEqual(auditAnnotations(REFUSED), { mode: 'none', reason: 'no_mode_possible' })
})

test('a refusal names every reason and what to do about each', () => {
  const message = refusalMessage(REFUSED)
  for (const { mode, reason } of REFUSED.decision.rejected) {
    assert.ok(message.includes(`${mode}: ${reason.code}: `), message)
    const { fix } = REASONS[reason.code]
    if (fix !== null) assert.ok(message.includes(`to do: ${fix}`), message)
  }
  assert.deepEqual(
    REFUSED.decision.rejected.map(({ mode, reason }) => `${mode}:${reason.code}`),
    ['ambient:family_by_labels', 'cni:nodes_not_covered', 'init:pod_security'],
  )
})

test('nothing of what a pod sets for its processes reaches the log or any other surface', () => {
  const secret = 'c0rrecthorse'
  const app = { name: 'app', image: 'app:1', env: [{ name: 'PASSWORD', value: secret }] }
  for (const given of [{}, { namespaceLabels: SIDECAR_NS }, { labels: { 'sluice-mesh.io/mode': 'x' } }]) {
    const outcome = of({ ...given, spec: { containers: [app] } })
    const { decision, warnings, netAdmin } = outcome
    const surfaces = [
      logFields(outcome),
      reportOf(outcome),
      tableOf(outcome),
      warningLines(outcome, true),
      auditAnnotations(outcome),
      refusalMessage(outcome),
      [decision, warnings, netAdmin],
    ]
    assert.ok(!JSON.stringify(surfaces).includes(secret))
  }
  assert.deepEqual(logFields(GRANTED), {
    decision: 'meshed',
    mode: 'init',
    reason: 'init_last_resort',
    rejected: ['ambient:family_by_labels', 'cni:nodes_not_covered'],
    netAdmin: ['istio-init'],
    warnings: [],
  })
})

test('whatever a request brings, its warnings fit and hold no control characters', () => {
  const odd = `x\r\nWarning: forged ${'y'.repeat(5000)}`
  const given: readonly Given[] = [
    { labels: { 'sluice-mesh.io/mode': odd } },
    { labels: { 'sidecar.istio.io/inject': odd } },
    { labels: { 'istio.io/rev': odd } },
    { annotations: { [`sidecar.istio.io/${odd}`]: 'x' }, namespaceLabels: { 'istio.io/dataplane-mode': 'ambient' } },
    { spec: { os: { name: odd } } },
  ]
  for (const one of given) {
    const lines = fitWarnings(warningLines(of(one), true))
    assert.ok(lines.length > 0)
    for (const line of lines) assert.match(line, /^sluice: [^\r\n]{0,248}$/)
    assert.doesNotMatch(tableOf(of(one)), /^Warning: forged/m)
    assert.ok(refusalMessage(of(one)).length < 2000, refusalMessage(of(one)).slice(0, 200))
  }
})
