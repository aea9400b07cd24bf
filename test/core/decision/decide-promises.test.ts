import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decide } from '../../../src/core/decision/decide.ts'
import type { Decision } from '../../../src/core/decision/decision.ts'
import type { Facts } from '../../../src/core/decision/facts.ts'
import { netAdminAdded } from '../../../src/core/decision/net-admin.ts'
import { familyOf, MODES } from '../../../src/core/vocabulary/modes.ts'
import { levelOf } from '../../../src/core/vocabulary/reasons.ts'
import type { Given } from './facts-fixture.ts'
import { ALL_COVERED, factsOf, NO_NODES, NONE_COVERED, rehearsed } from './facts-fixture.ts'

/** A label or annotation that is absent, or one of these. */
const maybe = (key: string, ...values: string[]): fc.Arbitrary<Record<string, string>> =>
  fc.constantFrom<Record<string, string>>({}, {}, {}, ...values.map((value) => ({ [key]: value })))
const together = (...parts: fc.Arbitrary<Record<string, string>>[]): fc.Arbitrary<Record<string, string>> =>
  fc.tuple(...parts).map((all) => Object.assign({}, ...all) as Record<string, string>)

const wish = maybe('sluice-mesh.io/mode', 'auto', 'ambient', 'cni', 'init', 'none', 'sidecar')
const inject = maybe('sidecar.istio.io/inject', 'true', 'false', 'yes')
const dataplane = maybe('istio.io/dataplane-mode', 'ambient', 'none')
const revision = maybe('istio.io/rev', 'canary')
const covered = fc.constantFrom(ALL_COVERED, NONE_COVERED, NO_NODES)
const permission = fc.record({ default: fc.constantFrom('allow' as const, 'deny' as const), rules: fc.constant([]) })

const given: fc.Arbitrary<Given> = fc.record({
  namespace: fc.constantFrom('shop', 'shop', 'shop', 'kube-system'),
  namespaceLabels: together(
    maybe('istio-injection', 'enabled', 'disabled'),
    maybe('pod-security.kubernetes.io/enforce', 'baseline', 'restricted'),
    wish,
    dataplane,
    revision,
  ),
  labels: together(wish, inject, dataplane, revision),
  annotations: together(inject, maybe('inject.istio.io/templates', 'gateway'), maybe('sluice-mesh.io/decided', 'cni')),
  spec: fc.constantFrom({}, {}, {}, { hostNetwork: true }, { os: { name: 'windows' } }),
  injector: fc.record({
    policy: fc.constantFrom('enabled', 'enabled', 'disabled', 'odd'),
    neverInjectSelector: fc.constantFrom([], [{ matchLabels: { app: 'x' } }], [{ matchLabels: 1 }]),
  }),
  policy: fc.record({
    defaultMode: fc.constantFrom('auto' as const, 'auto' as const, 'none' as const, 'cni' as const),
    families: fc.constantFrom(['ambient', 'sidecar'] as const, ['sidecar'] as const, ['ambient'] as const),
    crossFamily: fc.boolean(),
    contradiction: fc.constantFrom('wish' as const, 'labels' as const),
    netAdmin: permission,
    optOut: permission,
    onImpossible: fc.constantFrom('deny' as const, 'admit' as const),
    bornTainted: fc.boolean(),
  }),
  coverage: fc.record({
    cni: covered,
    ambient: covered,
    installed: fc.record({ agent: fc.boolean(), ztunnel: fc.boolean() }),
    ageSeconds: fc.constantFrom(0, 1800, 1801),
  }),
})

interface Run {
  readonly facts: Facts
  readonly decision: Decision
  readonly rehearsals: readonly string[]
}

function run(one: Given): Run {
  const facts = factsOf(one)
  const rehearsals: string[] = []
  const decision = decide(facts, (mode) => {
    rehearsals.push(mode)
    return rehearsed(facts, mode)
  })
  return { facts, decision, rehearsals }
}

/** Checks what must hold of every decision; `seen` says whether the case was one that the promise is about. */
function promise(name: string, check: (run: Run) => boolean): void {
  test(name, () => {
    let seen = 0
    fc.assert(
      fc.property(given, (one) => {
        if (check(run(one))) seen += 1
      }),
      { numRuns: 3000 },
    )
    // 20 to 3000 in practice; the cases are drawn
    assert.ok(seen > 5, `only ${seen} cases were about it`)
  })
}

promise('a mode is rehearsed at most once', ({ rehearsals }) => {
  assert.equal(new Set(rehearsals).size, rehearsals.length)
  return rehearsals.length > 0
})

promise(
  'NET_ADMIN is granted only where policy, Pod Security and the age of the facts allow it',
  ({ facts, decision }) => {
    if (decision.is !== 'meshed' || decision.mode === 'ambient') return false
    const rehearsal = rehearsed(facts, decision.mode)
    assert.ok(rehearsal.is === 'made')
    if (netAdminAdded(facts.pod, rehearsal.pod).length === 0) return false
    assert.equal(facts.policy.netAdmin.default, 'allow')
    assert.equal(facts.namespace.labels['pod-security.kubernetes.io/enforce'], undefined)
    assert.ok(facts.coverage.ageSeconds <= facts.policy.maxStaleSeconds)
    return true
  },
)

promise('an explicit wish is granted or refused, never replaced', ({ facts, decision }) => {
  const { labels } = facts.pod['metadata'] as { readonly labels: Readonly<Record<string, string>> }
  const asked = labels['sluice-mesh.io/mode'] ?? facts.namespace.labels['sluice-mesh.io/mode']
  const mode = MODES.find((known) => known === asked)
  if (mode === undefined || facts.policy.contradiction === 'labels') return false
  assert.notEqual(decision.is, 'unmeshed')
  if (decision.is === 'meshed') assert.equal(decision.mode, mode)
  return decision.is === 'meshed'
})

promise('an outage never changes the family unless the policy says so', ({ facts, decision }) => {
  if (facts.policy.crossFamily || decision.is !== 'meshed') return false
  const healthy = { ...facts, coverage: { ...facts.coverage, cni: ALL_COVERED, ambient: ALL_COVERED } }
  const usual = decide(healthy, (mode) => rehearsed(facts, mode))
  assert.ok(usual.is === 'meshed' && familyOf(usual.mode) === familyOf(decision.mode), JSON.stringify(usual))
  return facts.coverage.cni.is === 'impossible' || facts.coverage.ambient.is === 'impossible'
})

promise('every mode with less privilege than the chosen one is explained', ({ decision }) => {
  if (decision.is !== 'meshed') return false
  const explained = new Set(decision.rejected.map(({ mode }) => mode))
  const less = MODES.slice(0, MODES.indexOf(decision.mode))
  assert.ok(less.every((mode) => explained.has(mode)))
  return less.length > 0
})

promise('a pod for which nothing is possible is told why of every mode', ({ decision }) => {
  if (decision.reason.code !== 'no_mode_possible' && decision.reason.code !== 'admitted_unmeshed') return false
  assert.deepEqual([...new Set(decision.rejected.map(({ mode }) => mode))], [...MODES])
  return true
})

promise('the level of a reason fits what becomes of the pod', ({ decision: { is, reason } }) => {
  const fits = { meshed: ['meshed'], left: ['skip', 'alarm'], unmeshed: ['warn'], refused: ['refuse'] }[is]
  assert.ok(fits.includes(levelOf(reason)), `${is}: ${reason.code}`)
  return true
})

promise('the answer that a request brings changes nothing', ({ facts, decision, rehearsals }) => {
  const pod = { ...facts.pod, metadata: { ...(facts.pod['metadata'] as object), annotations: withoutAnswer(facts) } }
  assert.deepEqual(
    decide({ ...facts, pod }, (mode) => rehearsed(facts, mode)),
    decision,
  )
  return rehearsals.length > 0
})

function withoutAnswer(facts: Facts): Record<string, string> {
  const { annotations } = facts.pod['metadata'] as { readonly annotations: Readonly<Record<string, string>> }
  return Object.fromEntries(Object.entries(annotations).filter(([key]) => !key.startsWith('sluice-mesh.io/')))
}
