import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type ApiServer, createNamespace, startApiServer } from '../../scripts/cluster/api-server.ts'
import { ApiError, TransportError } from '../../src/edge/cluster/api-error.ts'
import { partOf } from '../../src/edge/cluster/api-object.ts'
import { createClient, type ClusterClient } from '../../src/edge/cluster/client.ts'
import { inClusterConnection, type Connection } from '../../src/edge/cluster/connection.ts'
import { kubeconfigConnection } from '../../src/edge/cluster/kubeconfig.ts'
import type { Target } from '../../src/edge/cluster/resource.ts'

const resource = { group: '', version: 'v1', plural: 'configmaps' }
const inNamespace = (name?: string): Target => ({
  resource,
  namespace: 'client',
  ...(name === undefined ? {} : { name }),
})

let api: ApiServer
let client: ClusterClient
before(async () => {
  api = await startApiServer()
  client = createClient(await kubeconfigConnection({ file: api.kubeconfig }))
  await createNamespace(api, 'client')
})
after(async () => await api.stop())

test('an object is created, read, listed page by page, patched and replaced; who replaces an old version is told so', async () => {
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { v: '1' } }
  const made = await client.create(inNamespace(), object)
  assert.deepEqual((await client.get(inNamespace('a')))['data'], { v: '1' })
  const patched = await client.patch(inNamespace('a'), 'merge', { data: { v: null, w: '2' } })
  assert.deepEqual(patched['data'], { w: '2' })
  await assert.rejects(client.replace(inNamespace('a'), made), (error) => {
    assert.ok(error instanceof ApiError)
    assert.deepEqual([error.status, error.reason], [409, 'Conflict'])
    return true
  })
  const test = { op: 'test', path: '/data', value: { w: '3' } }
  await assert.rejects(client.patch(inNamespace('a'), 'json', [test]), /: 422 Invalid/)
  assert.deepEqual((await client.replace(inNamespace('a'), { ...patched, data: {} }))['data'], undefined)

  await client.create(inNamespace(), { ...object, metadata: { name: 'b' } })
  const first = await client.list(inNamespace(), { limit: 1 })
  const second = await client.list(inNamespace(), { limit: 1, continue: first.next })
  const nameOf = (page: typeof first): unknown => partOf(page.items[0]?.['metadata'])['name']
  assert.deepEqual([nameOf(first), nameOf(second), second.next], ['a', 'b', undefined])
})

test('server-side apply owns what it says and leaves the rest; what another owns is taken only by force', async () => {
  const object = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'owned' },
    data: { theirs: '1', shared: '1' },
  }
  await client.apply(inNamespace('owned'), object, { fieldManager: 'them', force: false })
  const mine = { ...object, data: { mine: '1', shared: '2' } }
  const claim = { fieldManager: 'me', force: false }
  await assert.rejects(client.apply(inNamespace('owned'), mine, claim), /409 Conflict: .*conflict with "them"/s)
  const after = await client.apply(inNamespace('owned'), mine, { ...claim, force: true })
  assert.deepEqual(after['data'], { theirs: '1', mine: '1', shared: '2' })
})

test('what is not there is a 404, with what was asked for in the sentence', async () => {
  const missing = client.get(inNamespace('missing'))
  await assert.rejects(missing, {
    name: 'ApiError',
    message: 'GET /api/v1/namespaces/client/configmaps/missing: 404 NotFound: configmaps "missing" not found',
  })
})

test('the token of a service account is read anew for every request', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-account-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const { stdout: token } = await api.kubectl(['create', 'token', 'default', '-n', 'client'])
  writeFileSync(join(directory, 'ca.crt'), api.ca)
  const { hostname: host, port } = new URL(api.url)
  const account = createClient(inClusterConnection({ directory, host, port }))
  const ask = (): Promise<unknown> => account.get(inNamespace('a'))

  await assert.rejects(ask(), /GET .*: ENOENT.*token/)
  writeFileSync(join(directory, 'token'), 'expired')
  await assert.rejects(ask(), /401 Unauthorized/)
  writeFileSync(join(directory, 'token'), `${token}\n`)
  await assert.rejects(ask(), /403 Forbidden: .*system:serviceaccount:client:default/)
})

test('a call to a server that takes connections and says nothing ends in time; a refused one at once; an aborted one with its reason', async (t) => {
  const sockets: Socket[] = []
  const mute = createServer((socket) => void sockets.push(socket))
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve))
  const stopped = new Promise((resolve) => mute.once('close', resolve))
  const { port } = mute.address() as AddressInfo
  const connection: Connection = { server: `https://127.0.0.1:${port}`, options: () => Promise.resolve({}) }
  const target = inNamespace('a')
  const slow = createClient(connection, { timeoutMs: 50 }).get(target)
  await assert.rejects(slow, (error) => error instanceof TransportError && /no answer within 50 ms/.test(error.message))
  const stop = new AbortController()
  const aborted = createClient(connection, { signal: stop.signal }).get(target)
  stop.abort(new Error('shutting down'))
  await assert.rejects(aborted, { message: 'shutting down' })
  t.after(() => sockets.forEach((socket) => socket.destroy()))
  sockets.forEach((socket) => socket.destroy())
  mute.close()
  await stopped
  await assert.rejects(createClient(connection).get(target), /GET .*: connect ECONNREFUSED/)
})

test('a kubeconfig that leads nowhere says so', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-kubeconfig-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const file = join(directory, 'plain')
  writeFileSync(file, readFileSync(api.kubeconfig, 'utf8').replace('https:', 'http:'))
  await assert.rejects(kubeconfigConnection({ file }), /the API server's address is http:.*; it must be https/)
  const nowhere = kubeconfigConnection({ file: api.kubeconfig, context: 'other' })
  await assert.rejects(nowhere, /^Error: it has no context other; --context takes \S+$/)
})
