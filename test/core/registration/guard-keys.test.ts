import assert from 'node:assert/strict'
import { test } from 'node:test'
import { guardKeys } from '../../../src/core/registration/guard-keys.ts'
import { parsePolicy } from '../../../src/core/settings/policy.ts'

const NOBODY = { policy: 'enabled', neverInjectSelector: [], alwaysInjectSelector: [] }

test('rules and selectors become one line each, in their order, with the default last', () => {
  const policy = parsePolicy(`
optOut:
  default: deny
  rules:
    - permission: allow
      namespaceSelector:
        matchLabels: { team: a }
        matchExpressions:
          - { key: env, operator: NotIn, values: [prod, ''] }
          - { key: example.com/x, operator: Exists }
          - { key: y, operator: DoesNotExist }
    - { permission: deny, namespaceSelector: {} }
`)
  const injector = {
    ...NOBODY,
    neverInjectSelector: [{ matchLabels: { app: 'x' } }, {}, { matchLabels: { 'no key!': '' } }],
    alwaysInjectSelector: [{ matchExpressions: [{ key: 'app', operator: 'In', values: ['a', 'b'] }] }],
  }
  assert.deepEqual(guardKeys('canary', policy, injector), {
    'guard.canary.defaultMode': 'auto',
    'guard.canary.contradiction': 'wish',
    'guard.canary.onImpossible': 'deny',
    'guard.canary.optOut': 'allow team=a env!=prod| example.com/x=* y!=*\ndeny\ndeny',
    'guard.canary.injection': 'enabled',
    'guard.canary.neverInject': 'yes app=x',
    'guard.canary.alwaysInject': 'yes app=a|b',
  })
})

test("an injector's policy that cannot be read leaves nobody out", () => {
  const said = (policy: string): string | undefined =>
    guardKeys('default', parsePolicy(''), { ...NOBODY, policy })['guard.default.injection']
  assert.deepEqual(['enabled', 'disabled', 'disable', ''].map(said), ['enabled', 'disabled', 'enabled', 'enabled'])
})
