import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { setImmediate as yieldOnce } from 'node:timers/promises'
import { type ApiServer, createNamespace, startApiServer } from '../../scripts/cluster/api-server.ts'
import type { ApiObject } from '../../src/edge/cluster/api-object.ts'
import { SYSTEM_CLOCK, type Clock } from '../../src/edge/cluster/clock.ts'
import { type ApiProxy, startApiProxy } from './api-proxy.ts'
import { until } from './until.ts'
import { dataOf, QUICK, type Seen } from './followed.ts'
import { followThrough } from './followed.ts'

let api: ApiServer
let proxy: ApiProxy
before(async () => {
  api = await startApiServer()
  proxy = await startApiProxy(api)
})
after(async () => {
  await proxy.stop()
  await api.stop()
})
afterEach(() => {
  proxy.trick = () => undefined
})

async function kubectl(...args: readonly string[]): Promise<void> {
  const { code, stderr } = await api.kubectl(args)
  assert.equal(code, 0, stderr)
}

const create = async (namespace: string, name: string, value: string): Promise<void> =>
  await kubectl('create', 'configmap', name, '-n', namespace, `--from-literal=v=${value}`)
const change = async (namespace: string, name: string, value: string): Promise<void> =>
  await kubectl('patch', 'configmap', name, '-n', namespace, '-p', JSON.stringify({ data: { v: value } }))
const remove = async (namespace: string, name: string): Promise<void> =>
  await kubectl('delete', 'configmap', name, '-n', namespace)

const isWatch = (url: URL): boolean => url.searchParams.has('watch')
const isFromStart = (url: URL): boolean => url.searchParams.has('sendInitialEvents')
const resumes = ({ requests }: Seen): readonly URL[] =>
  requests().filter((url) => isWatch(url) && url.searchParams.has('resourceVersion'))

test('what is there, what is made, changed and deleted is followed in one request, and only what was projected is kept', async (t) => {
  await createNamespace(api, 'plain')
  await create('plain', 'a', '1')
  const seen = followThrough(proxy, t, 'plain')
  assert.equal(seen.watch.ageMs, Infinity)
  await seen.knows({ a: '1' })
  await create('plain', 'b', '1')
  await change('plain', 'a', '2')
  await seen.knows({ a: '2', b: '1' })
  await remove('plain', 'a')
  await seen.knows({ b: '1' })
  assert.equal(seen.requests().length, 1)
  assert.equal(seen.replaced(), 1)
  assert.deepEqual(seen.problems, [])
})

test("a field selector is the server's to apply", async (t) => {
  await createNamespace(api, 'selected')
  await create('selected', 'wanted', '1')
  await create('selected', 'other', '1')
  const seen = followThrough(proxy, t, 'selected', { selection: { fieldSelector: 'metadata.name=wanted' } })
  await seen.knows({ wanted: '1' })
  await remove('selected', 'wanted')
  await seen.knows({})
})

test('a killed watch is resumed where it was: nothing is missed, nothing read twice', async (t) => {
  await createNamespace(api, 'killed')
  const seen = followThrough(proxy, t, 'killed')
  await seen.knows({})
  proxy.trick = () => ({ answer: 503 })
  proxy.kill()
  await create('killed', 'meanwhile', '1')
  await until(
    () => seen.problems.length > 2,
    () => seen.problems,
  )
  proxy.trick = () => undefined
  await seen.knows({ meanwhile: '1' })
  assert.equal(seen.replaced(), 1)
  assert.equal(seen.requests().filter(isFromStart).length, 1)
})

test('a watch that died without a word is noticed by its silence, and resumed', async (t) => {
  await createNamespace(api, 'silent')
  const seen = followThrough(proxy, t, 'silent', { limits: { idleMs: 400 } })
  await seen.knows({})
  proxy.silence()
  await create('silent', 'meanwhile', '1')
  await seen.knows({ meanwhile: '1' })
  assert.equal(seen.replaced(), 1)
  assert.ok(resumes(seen).length > 0)
  assert.deepEqual(seen.problems, [], 'a quiet collection looks the same, and is no problem')
})

test('through ten minutes without a server it keeps what it knows, tells its age, asks less and less often, and catches up', async (t) => {
  await createNamespace(api, 'outage')
  await create('outage', 'gone', '1')
  const outageMs = 600_000
  let skipped = 0
  const clock: Clock = {
    ...SYSTEM_CLOCK,
    now: () => performance.now() + skipped,
    sleep: async (ms, signal) => {
      skipped += ms
      if (skipped >= outageMs && !signal.aborted && refused) {
        refused = false
        await remove('outage', 'gone')
        await create('outage', 'new', '1')
        oldest = seen.watch.ageMs
        await proxy.accept()
      }
      await yieldOnce()
    },
  }
  let refused = false
  let oldest = 0
  const seen = followThrough(proxy, t, 'outage', {
    clock,
    limits: { firstMs: 500, maxMs: 30_000, relistMs: 3_600_000 },
  })
  await seen.knows({ gone: '1' })
  refused = true
  await proxy.refuse()
  await until(
    () => !refused,
    () => seen.problems,
  )
  await seen.knows({ new: '1' })
  assert.ok(oldest >= outageMs)
  assert.ok(seen.watch.ageMs < outageMs, 'young again')
  const waits = seen.problems.map(({ againMs }) => againMs ?? 0)
  assert.ok(waits.length < 60, `${waits.length} tries in ten minutes`)
  assert.ok(Math.max(...waits) <= 30_000)
  assert.ok((waits[0] ?? 0) <= 500)
  assert.equal(seen.replaced(), 1)
})

test('a version that is too old (410) makes it read everything anew: what is gone is forgotten', async (t) => {
  await createNamespace(api, 'expired')
  await create('expired', 'gone', '1')
  const seen = followThrough(proxy, t, 'expired')
  await seen.knows({ gone: '1' })
  await proxy.refuse()
  await remove('expired', 'gone')
  await create('expired', 'new', '1')
  // a server that was restarted remembers no old versions
  await api.restart()
  proxy.trick = (url) => (isFromStart(url) ? undefined : { query: { resourceVersion: '1' } })
  await proxy.accept()
  await seen.knows({ new: '1' })
  assert.equal(seen.replaced(), 2)
  assert.ok(seen.problems.some(({ error }) => error instanceof Error && /410 Expired/.test(error.message)))
})

test('a server in trouble is left alone for as long as it asks, within bounds, and asked again', async (t) => {
  await createNamespace(api, 'trouble')
  let left = 3
  proxy.trick = () => (left-- > 0 ? { answer: 500, headers: { 'retry-after': '7' } } : undefined)
  const seen = followThrough(proxy, t, 'trouble')
  await seen.knows({})
  assert.deepEqual(
    seen.problems.map(({ at, againMs }) => ({ at, againMs })),
    Array.from({ length: 3 }, () => ({ at: 'request', againMs: QUICK.maxMs })),
  )
  assert.match(String(seen.problems[0]?.error), /500 Tricked: the proxy says no/)
})

test('an event that the network lost is found when everything is read anew, which happens from time to time', async (t) => {
  await createNamespace(api, 'lost')
  await create('lost', 'gone', '1')
  proxy.trick = (url) => (url.pathname.includes('/lost/') ? { lose: 'DELETED' } : undefined)
  const seen = followThrough(proxy, t, 'lost', { limits: { watchMs: 700, relistMs: 1 } })
  await seen.knows({ gone: '1' })
  await remove('lost', 'gone')
  await seen.knows({})
  assert.ok(seen.replaced() > 1)
})

test('a kind that does not exist counts as empty where it may be missing, and is followed once it exists', async (t) => {
  const target = { resource: { group: 'test.sluice-mesh.io', version: 'v1', plural: 'things' } }
  const seen = followThrough(proxy, t, 'absent', { target, optional: true, limits: { absentMs: 20 } })
  await seen.knows({})
  assert.ok(seen.watch.ageMs < Infinity)
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }
  const crd = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'things.test.sluice-mesh.io' },
    spec: {
      group: 'test.sluice-mesh.io',
      scope: 'Namespaced',
      names: { plural: 'things', kind: 'Thing' },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  }
  await createNamespace(api, 'absent')
  assert.equal((await api.kubectl(['apply', '-f', '-'], JSON.stringify(crd))).code, 0)
  await kubectl('wait', '--for=condition=Established', 'crd/things.test.sluice-mesh.io', '--timeout=20s')
  const thing = {
    apiVersion: 'test.sluice-mesh.io/v1',
    kind: 'Thing',
    metadata: { name: 'a', namespace: 'absent' },
    data: { v: '1' },
  }
  const made = async (): Promise<boolean> => (await api.kubectl(['apply', '-f', '-'], JSON.stringify(thing))).code === 0
  await until(made, () => thing)
  await seen.knows({ a: '1' })
})

test("a fault in what is called is reported with the object's name, and the watch goes on", async (t) => {
  await createNamespace(api, 'fault')
  await create('fault', 'bad', 'bad')
  const known: string[] = []
  const project = (object: ApiObject): string => {
    if (dataOf(object) === 'bad') throw new Error('cannot be projected')
    return dataOf(object)
  }
  const put = (key: string): void => {
    if (key === 'fault/worse') throw new Error('cannot be kept')
    known.push(key)
  }
  const seen = followThrough(proxy, t, 'fault', {
    project,
    sink: { replace: () => undefined, put, remove: () => undefined },
  })
  await until(
    () => seen.watch.synced,
    () => seen.problems,
  )
  await create('fault', 'worse', '1')
  await create('fault', 'good', '1')
  await until(
    () => known.includes('fault/good'),
    () => seen.problems,
  )
  assert.deepEqual(
    seen.problems.map(({ at, key }) => ({ at, key })),
    [
      { at: 'object', key: 'fault/bad' },
      { at: 'sink', key: 'fault/worse' },
    ],
  )
})

test('without the feature WatchList it lists page by page, and resumes by watching', async (t) => {
  const older = await startApiServer({ flags: ['--feature-gates', 'WatchList=false'] })
  t.after(older.stop)
  const between = await startApiProxy(older)
  t.after(between.stop)
  await createNamespace(older, 'pages')
  const literal = (name: string): readonly string[] => [
    'create',
    'configmap',
    name,
    '-n',
    'pages',
    '--from-literal=v=1',
  ]
  for (const name of ['a', 'b', 'c']) assert.equal((await older.kubectl(literal(name))).code, 0)
  const main = api
  api = older
  t.after(() => (api = main))
  const seen = followThrough(between, t, 'pages', { limits: { pageItems: 2 } })
  await seen.knows({ a: '1', b: '1', c: '1' })
  assert.equal((await older.kubectl(literal('d'))).code, 0)
  await seen.knows({ a: '1', b: '1', c: '1', d: '1' })
  const kinds = seen.requests().map((url) => (isFromStart(url) ? 'stream' : isWatch(url) ? 'watch' : 'page'))
  assert.deepEqual(kinds, ['stream', 'page', 'page', 'watch'])
  assert.equal(seen.replaced(), 1)
})
