import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_ENABLEMENT } from '../../../src/core/settings/ambient-enablement.ts'
import { parseEnablement } from '../../../src/core/settings/enablement-text.ts'
import { DEFAULT_POLICY, parsePolicy } from '../../../src/core/settings/policy.ts'
import { SettingsError } from '../../../src/core/settings/settings-error.ts'

test('an empty text is the default policy', () => {
  for (const text of ['', '{}', '---\n', '# nothing']) assert.deepEqual(parsePolicy(text), DEFAULT_POLICY)
  assert.deepEqual(DEFAULT_POLICY, {
    defaultMode: 'auto',
    families: ['ambient', 'sidecar'],
    crossFamily: false,
    contradiction: 'wish',
    netAdmin: { default: 'allow', rules: [] },
    optOut: { default: 'allow', rules: [] },
    ambientEnablement: DEFAULT_ENABLEMENT,
    readinessGate: [],
    onImpossible: 'deny',
    minCovered: 0.9,
    coverageGraceSeconds: 600,
    maxStaleSeconds: 1800,
    bornTainted: false,
    taint: { enabled: true, key: 'sluice-mesh.io/not-ready', effect: 'NoSchedule', maxShare: 0.5 },
    repair: { evict: true, evictionsPerMinute: 10 },
    podSecurity: { defaultLevel: 'privileged', exemptNamespaces: [], exemptRuntimeClasses: [] },
  })
})

test('what a policy says counts, and what it does not say has its default, also within a field', () => {
  const policy = parsePolicy(`
    families: [sidecar]
    maxStale: 1h30m5s
    taint: { key: startup.example.com/mesh }
    netAdmin:
      default: deny
      rules:
        - namespaceSelector: { matchLabels: { team: legacy } }
          permission: allow
        - namespaceSelector: {}
          permission: deny`)
  assert.deepEqual(policy.families, ['sidecar'])
  assert.equal(policy.maxStaleSeconds, 5405)
  assert.deepEqual(policy.taint, {
    enabled: true,
    key: 'startup.example.com/mesh',
    effect: 'NoSchedule',
    maxShare: 0.5,
  })
  assert.deepEqual(policy.netAdmin, {
    default: 'deny',
    rules: [
      { namespaceSelector: [{ key: 'team', operator: 'In', values: ['legacy'] }], permission: 'allow' },
      { namespaceSelector: [], permission: 'deny' },
    ],
  })
  assert.equal(policy.onImpossible, 'deny')
})

test("who is for ambient is said as in Istio's own setting, and a misspelt condition is refused by its path", () => {
  const pairs = '[{"podSelector":{"matchLabels":{"team":"mesh"}}},{"namespaceSelector":{"matchLabels":{"mesh":"yes"}}}]'
  assert.deepEqual(parsePolicy(`ambientEnablement: ${pairs}`).ambientEnablement, parseEnablement(pairs))
  for (const [text, field] of [
    ['[{podselector: {}}]', 'policy.ambientEnablement[0].podselector'],
    ['[{podSelector: {matchLabel: {}}}]', 'policy.ambientEnablement[0].podSelector.matchLabel'],
    [
      '[{namespaceSelector: {matchExpressions: [{key: a, operator: Near}]}}]',
      'policy.ambientEnablement[0].namespaceSelector.matchExpressions[0].operator',
    ],
    ['yes', 'policy.ambientEnablement'],
  ] as const)
    assert.throws(
      () => parsePolicy(`ambientEnablement: ${text}`),
      (error) => {
        assert.ok(error instanceof SettingsError)
        assert.equal(error.field, field)
        return true
      },
    )
})

test('JSON is as good as YAML', () => {
  assert.equal(parsePolicy('{"onImpossible": "admit"}').onImpossible, 'admit')
})

const REFUSED: readonly (readonly [text: string, field: string, says: string])[] = [
  ['netadmin: deny', 'policy.netadmin', 'is not known; allowed here: defaultMode, families,'],
  ['netAdmin: { rulez: [] }', 'policy.netAdmin.rulez', 'is not known; allowed here: default, rules'],
  ['netAdmin: { rules: [{ permission: deny }] }', 'policy.netAdmin.rules[0]', 'must say namespaceSelector'],
  [
    'optOut: { rules: [{ namespaceSelector: {}, permission: maybe }] }',
    'policy.optOut.rules[0].permission',
    'must be one of allow, deny',
  ],
  [
    'optOut: { rules: [{ namespaceSelector: { matchlabels: {} }, permission: deny }] }',
    'policy.optOut.rules[0].namespaceSelector.matchlabels',
    'is not known; allowed here: matchLabels, matchExpressions',
  ],
  [
    'optOut: { rules: [{ namespaceSelector: { matchLabels: { "a b": c } }, permission: deny }] }',
    'policy.optOut.rules[0].namespaceSelector.matchLabels["a b"]',
    'is no label key',
  ],
  [
    'optOut: { rules: [{ namespaceSelector: { matchExpressions: [{ key: a, operator: Is }] }, permission: deny }] }',
    'policy.optOut.rules[0].namespaceSelector.matchExpressions[0].operator',
    'must be one of In, NotIn, Exists, DoesNotExist',
  ],
  ['defaultMode: ztunnel', 'policy.defaultMode', 'must be one of auto, ambient, cni, init, none'],
  [
    'families: []',
    'policy.families',
    'must be a list of at least one without doubles, each entry one of ambient, sidecar',
  ],
  [
    'families: [ambient, ambient]',
    'policy.families',
    'must be a list of at least one without doubles, each entry one of ambient, sidecar',
  ],
  [
    'families: ambient',
    'policy.families',
    'must be a list of at least one without doubles, each entry one of ambient, sidecar',
  ],
  ['families: [waypoint]', 'policy.families[0]', 'must be one of ambient, sidecar'],
  ['minCovered: 90', 'policy.minCovered', 'must be a number from 0 to 1'],
  ['crossFamily: sometimes', 'policy.crossFamily', 'must be true or false'],
  ['maxStale: 30', 'policy.maxStale', 'must be a duration such as 90s, 10m or 1h30m'],
  ['coverageGrace: ""', 'policy.coverageGrace', 'must be a duration such as 90s, 10m or 1h30m'],
  ['taint: { key: "not ready" }', 'policy.taint.key', 'must be a taint key'],
  [
    'podSecurity: { exemptNamespaces: [kube-system, A] }',
    'policy.podSecurity.exemptNamespaces[1]',
    'must be a name of lower-case letters',
  ],
  [
    'podSecurity: restricted',
    'policy.podSecurity',
    'must be a map of defaultLevel, exemptNamespaces, exemptRuntimeClasses',
  ],
  ['onImpossible: null', 'policy.onImpossible', 'must be one of deny, admit'],
  ['[1, 2]', 'policy', 'must be a map of fields, not a list'],
  ['families: [', 'policy', 'is neither YAML nor JSON'],
  ['crossFamily: true\ncrossFamily: false', 'policy', 'is neither YAML nor JSON: Map keys must be unique'],
]

for (const [text, field, says] of REFUSED)
  test(`a policy is refused by the field's path: ${JSON.stringify(text)}`, () => {
    assert.throws(
      () => parsePolicy(text),
      (error: unknown) => {
        assert.ok(error instanceof SettingsError)
        assert.equal(error.field, field)
        assert.ok(error.message.startsWith(`${field}: ${says}`), error.message)
        return true
      },
    )
  })
