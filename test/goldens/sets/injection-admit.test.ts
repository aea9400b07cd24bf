import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type JsonObject, objectOr } from '../../../src/core/json/value.ts'
import { admit } from './injection-admit.ts'

test('documents of a case are in their own namespace, which no case of this folder names', () => {
  const template = { spec: { containers: [{ name: 'web', image: 'example.com/web:1' }] } }
  const web = { kind: 'Deployment', apiVersion: 'apps/v1', metadata: { name: 'web', namespace: 'shop' } }
  const system = { ...web, metadata: { name: 'web', namespace: 'kube-system' } }
  const result = (document: typeof web): string =>
    JSON.stringify(admit({ kind: 'resource', documents: [{ ...document, spec: { template } }] }))
  assert.match(result(web), /namespaces\/shop\/deployments\/web"/)
  assert.match(result(system), /"warnings":1/)
})

test('a pod that goes into ambient instead is skipped, as by the injector, and no other is', () => {
  const outcome = (labels: JsonObject): unknown => {
    const pod = { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'example.com/web:1' }] } }
    return objectOr(admit({ pod, requestNamespace: 'shop' }))['outcome']
  }
  const ambient = { 'istio.io/dataplane-mode': 'ambient' }
  assert.equal(outcome({ ...ambient, 'sidecar.istio.io/inject': 'false' }), 'skipped')
  assert.equal(outcome(ambient), 'injected')
})
