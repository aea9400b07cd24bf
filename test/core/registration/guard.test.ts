import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IGNORED_NAMESPACES } from '../../../src/core/decision/eligibility.ts'
import type { Audience } from '../../../src/core/decision/selectors.ts'
import { type JsonObject, objectOr, stringOr } from '../../../src/core/json/value.ts'
import { guard } from '../../../src/core/registration/guard.ts'
import { webhookConfiguration } from '../../../src/core/registration/webhook-configuration.ts'
import { matches, parseSelector } from '../../../src/core/settings/label-selector.ts'
import { present, readTable, type Row } from '../../goldens/sets/tsv.ts'

const OWN = ['sluice-system', 'sluice-nodes']
const PARTS = { policyNamespace: 'sluice-system', ownNamespaces: OWN }
const OTHER = { isDefault: false, namespacesByDefault: false }

/** The installations that Istio's table of selections has at once, by the name of Istio's configuration. */
function audiences(row: Row): Readonly<Record<string, Audience>> {
  const namespacesByDefault = row['enableNamespacesByDefault'] === 'true'
  return {
    'istio-sidecar-injector': { revision: 'default', isDefault: true, namespacesByDefault },
    'istio-sidecar-injector-canary': { revision: 'canary', ...OTHER },
    'istio-revision-tag-stable': { revision: 'stable', ...OTHER },
  }
}

function bindingsOf(audience: Audience): readonly JsonObject[] {
  const bindings = guard({ audience, ...PARTS }).slice(1)
  assert.ok(bindings.length > 2)
  return bindings
}

const nameOf = (object: JsonObject): string => stringOr(objectOr(object['metadata'])['name']) ?? ''

function fits(selectors: JsonObject, which: string, labels: Readonly<Record<string, string>>): boolean {
  const parsed = parseSelector(selectors[which])
  assert.ok(parsed.is === 'selector')
  return matches(parsed.selector, labels)
}

/** The bindings whose selectors, as they are shipped, match these labels; less those that look for opt-outs. */
function selecting(
  audience: Audience,
  namespace: Readonly<Record<string, string>>,
  pod: Readonly<Record<string, string>>,
) {
  return bindingsOf(audience)
    .filter((binding) => {
      const selectors = objectOr(objectOr(binding['spec'])['matchResources'])
      return fits(selectors, 'namespaceSelector', namespace) && fits(selectors, 'objectSelector', pod)
    })
    .map(nameOf)
    .filter((name) => !name.includes('.opt-out.'))
}

test("in each case of Istio's table the guard asks about the pods that its webhook asks about, and in system namespaces about none", () => {
  const rows = readTable('test/goldens/selection.tsv')
  assert.ok(rows.length > 370)
  for (const row of rows) {
    const name = row['namespace'] ?? ''
    const namespace = present({
      'kubernetes.io/metadata.name': name,
      'istio-injection': row['ns:istio-injection'],
      'istio.io/rev': row['ns:istio.io/rev'],
    })
    const pod = present({
      'sidecar.istio.io/inject': row['pod:sidecar.istio.io/inject'],
      'istio.io/rev': row['pod:istio.io/rev'],
    })
    const found = Object.entries(audiences(row)).flatMap(([istio, audience]) =>
      selecting(audience, namespace, pod).map(
        (binding) => `${istio}/${binding.replace(/^[^.]*\./, '')}.sidecar-injector.istio.io`,
      ),
    )
    const ignored = IGNORED_NAMESPACES.some((system) => system === name)
    const asked = row['webhook'] === undefined || ignored ? [] : row['webhook'].split(' ')
    assert.deepEqual(found, asked, JSON.stringify(row))
  }
})

test('the guard of every installation selects by the selectors of its webhook, less the namespaces that are never meshed', () => {
  const withoutNames = (selectors: JsonObject): string =>
    JSON.stringify(selectors, (key, value: unknown) => (key === 'values' && isNames(value) ? [] : value))
  const isNames = (value: unknown): boolean => Array.isArray(value) && value.includes('sluice-nodes')
  for (const audience of Object.values(audiences({ enableNamespacesByDefault: 'true' }))) {
    const { webhooks } = webhookConfiguration({
      audience,
      client: { is: 'url', url: 'https://x' },
      path: '',
      failurePolicy: 'Fail',
      reinvocationPolicy: 'Never',
      timeoutSeconds: 1,
      ownNamespaces: OWN,
    }) as { webhooks: readonly JsonObject[] }
    const asked = webhooks.map(({ namespaceSelector, objectSelector }) =>
      withoutNames({ namespaceSelector, objectSelector }),
    )
    const guarded = bindingsOf(audience)
      .filter((binding) => !nameOf(binding).includes('.opt-out.'))
      .map((binding) => withoutNames(objectOr(objectOr(binding['spec'])['matchResources'])))
    assert.deepEqual(guarded, asked)
  }
})

test('pods that opt out by their label are looked for wherever the namespace asks for a sidecar', () => {
  const audience = { revision: 'default', isDefault: true, namespacesByDefault: true }
  const outs = bindingsOf(audience).filter((binding) => nameOf(binding).includes('.opt-out.'))
  assert.deepEqual(outs.map(nameOf), [
    'sluice-guard.opt-out.rev.namespace',
    'sluice-guard.opt-out.namespace',
    'sluice-guard.opt-out.auto',
  ])
})

test('each revision has a guard of its own, which reads its own keys', () => {
  const [policy = {}, binding = {}] = guard({ audience: { revision: 'canary', ...OTHER }, ...PARTS })
  assert.deepEqual([nameOf(policy), nameOf(binding)], ['sluice-guard-canary', 'sluice-guard-canary.rev.namespace'])
  const text = JSON.stringify(policy)
  assert.match(text, /guard\.canary\.optOut/)
  assert.doesNotMatch(text, /guard\.default\./)
})

test('a guard that cannot be evaluated, or has no parameter, refuses', () => {
  const [policy = {}, binding = {}] = guard({ audience: { revision: 'canary', ...OTHER }, ...PARTS })
  assert.equal(objectOr(policy['spec'])['failurePolicy'], 'Fail')
  const spec = objectOr(binding['spec'])
  assert.equal(objectOr(spec['paramRef'])['parameterNotFoundAction'], 'Deny')
  assert.deepEqual(spec['validationActions'], ['Deny', 'Audit'])
})
