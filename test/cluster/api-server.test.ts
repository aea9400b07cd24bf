import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { type ApiServer, createNamespace, startApiServer } from '../../scripts/cluster/api-server.ts'

let server: ApiServer
before(async () => {
  server = await startApiServer()
})
after(async () => await server.stop())

test('the API server that tests run against is a real one: it validates, defaults, enforces Pod Security and writes its audit log', async () => {
  await createNamespace(server, 'harness', { 'pod-security.kubernetes.io/enforce': 'restricted' })
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'harness' },
    spec: { containers: [{ name: 'a', image: 'test.local/a:1', securityContext: { privileged: true } }] },
  }
  const refused = await server.kubectl(['apply', '--dry-run=server', '-f', '-'], JSON.stringify(pod))
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /violates PodSecurity "restricted:latest": privileged/)
  const event = server.auditEvents().find((entry) => entry.objectRef?.namespace === 'harness')
  assert.equal(event?.responseStatus?.code, 403)
})

test('two at once do not meet, and stopping one leaves no trace of it', async () => {
  const other = await startApiServer()
  assert.notEqual(other.url, server.url)
  await other.stop()
  assert.equal(existsSync(other.directory), false)
  assert.equal((await server.kubectl(['get', 'namespaces'])).code, 0)
})
