import assert from 'node:assert/strict'
import { test } from 'node:test'
import { shippedObjects } from '../../../scripts/cluster/shipped.ts'
import { isList, type JsonObject, objectOr, objectsOf, stringOr } from '../../../src/core/json/value.ts'

const OBJECTS = shippedObjects()

const ofKind = (kind: string): readonly JsonObject[] => OBJECTS.filter((object) => object['kind'] === kind)
const ENTRIES = [...ofKind('MutatingWebhookConfiguration'), ...ofKind('ValidatingWebhookConfiguration')].flatMap(
  (configuration) => objectsOf(configuration['webhooks']),
)
const POLICIES = ofKind('ValidatingAdmissionPolicy').map((policy) => objectOr(policy['spec']))

test('the manifests hold the registrations and the whole boundary', () => {
  const named = OBJECTS.map((object) => stringOr(objectOr(object['metadata'])['name']))
  for (const name of ['sluice', 'sluice-explain', 'sluice-guard', 'sluice-seal', 'sluice-fence', 'sluice-policy'])
    assert.ok(named.includes(name), name)
  assert.ok(ENTRIES.length > 30)
})

test('no rule of the manifests names every resource, or one that is none', () => {
  const rules = [
    ...ENTRIES.flatMap((entry) => objectsOf(entry['rules'])),
    ...POLICIES.flatMap((spec) => objectsOf(objectOr(spec['matchConstraints'])['resourceRules'])),
  ]
  assert.ok(rules.length > 30)
  const allowed = /^(pods(\/.+)?|bindings|(deployment|statefulset|daemonset|replicaset|job|cronjob)s)$/
  for (const { apiGroups, resources, scope } of rules) {
    assert.ok(isList(resources) && resources.every((name) => typeof name === 'string' && allowed.test(name)))
    assert.ok(isList(apiGroups) && !apiGroups.includes('*'))
    assert.equal(scope, 'Namespaced')
  }
})

test('every registration and policy of the manifests asks for equivalent versions too', () => {
  for (const entry of ENTRIES) assert.equal(entry['matchPolicy'], 'Equivalent')
  for (const spec of POLICIES) assert.equal(objectOr(spec['matchConstraints'])['matchPolicy'], 'Equivalent')
})

test('what changes or explains fails open, what refuses fails closed', () => {
  assert.deepEqual([...new Set(ENTRIES.map((entry) => entry['failurePolicy']))], ['Ignore'])
  assert.deepEqual([...new Set(POLICIES.map((spec) => spec['failurePolicy']))], ['Fail'])
})

test('a call has at most five seconds, and none has side effects', () => {
  for (const entry of ENTRIES) {
    const seconds = Number(entry['timeoutSeconds'])
    assert.ok(seconds >= 2 && seconds <= 5, `${seconds} s`)
    assert.equal(entry['sideEffects'], 'None')
  }
})

test('no manifest holds a field that a controller writes', () => {
  for (const entry of ENTRIES) assert.equal('caBundle' in objectOr(entry['clientConfig']), false)
})

test('entries are told apart by their names, which istiod does not look for', () => {
  const names = ENTRIES.map((entry) => stringOr(entry['name']) ?? '')
  assert.equal(new Set(names).size, names.length)
  assert.deepEqual(
    names.filter((name) => !name.endsWith('.sluice-mesh.io') || name.includes('istio')),
    [],
  )
  for (const object of OBJECTS) {
    const labels = Object.keys(objectOr(objectOr(object['metadata'])['labels']))
    assert.deepEqual(
      labels.filter((label) => label.includes('istio.io')),
      [],
    )
  }
})

test('workloads are asked about on dry runs alone', () => {
  for (const configuration of ofKind('ValidatingWebhookConfiguration'))
    for (const entry of objectsOf(configuration['webhooks']))
      assert.match(JSON.stringify(entry['matchConditions']), /"request\.\?dryRun\.orValue\(false\)"/)
})
