import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Registration, webhookConfiguration } from '../../../src/core/registration/webhook-configuration.ts'
import type { JsonObject } from '../../../src/core/json/value.ts'

const REGISTRATION: Registration = {
  audience: { revision: 'default', isDefault: true, namespacesByDefault: false },
  client: { is: 'service', name: 'sluice-webhook', namespace: 'sluice-system', port: 443 },
  path: '/inject',
  failurePolicy: 'Ignore',
  reinvocationPolicy: 'IfNeeded',
  timeoutSeconds: 5,
  ownNamespaces: ['sluice-system'],
}

function entriesOf(registration: Registration): readonly JsonObject[] {
  const entries = webhookConfiguration(registration)['webhooks'] as readonly JsonObject[]
  assert.ok(entries.length > 4)
  return entries
}

test('istiod leaves the configuration alone: no name and no label that it looks for', () => {
  assert.doesNotMatch(JSON.stringify(entriesOf(REGISTRATION).map((entry) => entry['name'])), /istio/)
  const { metadata } = webhookConfiguration(REGISTRATION) as { metadata: { labels: Record<string, string> } }
  assert.deepEqual(
    Object.keys(metadata.labels).filter((label) => label.includes('istio.io')),
    [],
  )
  assert.equal(metadata.labels['sluice-mesh.io/revision'], 'default')
})

test('the namespaces without which no cluster starts, and the own one, are never asked about', () => {
  for (const entry of entriesOf(REGISTRATION)) {
    const { namespaceSelector } = entry as { namespaceSelector: { matchExpressions: readonly JsonObject[] } }
    const excluded = namespaceSelector.matchExpressions.find(
      (expression) => expression['key'] === 'kubernetes.io/metadata.name' && expression['operator'] === 'NotIn',
    )
    assert.deepEqual(excluded?.['values'] ?? [], ['kube-system', 'kube-node-lease', 'sluice-system'])
  }
})

test('only the creation of pods is asked about, and nothing has side effects', () => {
  for (const entry of entriesOf(REGISTRATION)) {
    assert.deepEqual(entry['rules'], [
      { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], scope: 'Namespaced' },
    ])
    assert.equal(entry['sideEffects'], 'None')
  }
})

test('a URL takes the place of the service, and the bundle is there only when it is given', () => {
  const [entry] = entriesOf({ ...REGISTRATION, client: { is: 'url', url: 'https://127.0.0.1:8443' }, caBundle: 'Q0E=' })
  assert.deepEqual(entry?.['clientConfig'], { url: 'https://127.0.0.1:8443/inject', caBundle: 'Q0E=' })
  const [plain] = entriesOf(REGISTRATION)
  assert.deepEqual(plain?.['clientConfig'], {
    service: { name: 'sluice-webhook', namespace: 'sluice-system', path: '/inject', port: 443 },
  })
})
