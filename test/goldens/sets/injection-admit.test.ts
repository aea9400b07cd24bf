import assert from 'node:assert/strict'
import { test } from 'node:test'
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
