import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Collection } from '../../../src/app/webhook/collection.ts'
import { entriesOf, OBSERVED_KINDS, type ObservedKind } from '../../../src/app/webhook/objects.ts'
import { DEFAULT_INSTALLATION } from '../../../src/app/webhook/options.ts'
import type { Snapshot } from '../../../src/app/webhook/snapshot.ts'
import { World, worldOf } from '../../../src/app/webhook/world.ts'
import type { JsonObject } from '../../../src/core/json/value.ts'
import { cluster, configMap, daemonSet, namespace, node, pod } from './cluster.ts'

function snapshot(world: World): Snapshot {
  const current = world.current()
  assert.ok(current.is === 'snapshot', `there is no snapshot: ${JSON.stringify(current)}`)
  return current.snapshot
}

/** A watch for each kind, as far as tests need one. */
interface Feeds {
  readonly put: (object: JsonObject) => void
  readonly remove: (object: JsonObject) => void
  readonly list: (kind: ObservedKind, objects: readonly JsonObject[]) => void
}

function feedsOf(world: World): Feeds {
  const feeds = new Map(OBSERVED_KINDS.map((kind) => [kind, world.feed(kind)]))
  const kindOf = (object: JsonObject): ObservedKind => object['kind'] as ObservedKind
  return {
    put: (object) => {
      for (const [key, kept] of entriesOf(kindOf(object), [object])) feeds.get(kindOf(object))?.put(key, kept)
    },
    remove: (object) => {
      for (const key of entriesOf(kindOf(object), [object]).keys()) feeds.get(kindOf(object))?.remove(key)
    },
    list: (kind, objects) => feeds.get(kind)?.replace(entriesOf(kind, objects)),
  }
}

/** A world of `objects` that can change. */
function living(objects: readonly JsonObject[] = cluster()): { readonly world: World; readonly feeds: Feeds } {
  const world = new World(DEFAULT_INSTALLATION, () => 0)
  const feeds = feedsOf(world)
  for (const kind of OBSERVED_KINDS) feeds.list(kind, objects)
  return { world, feeds }
}

function without(unwanted: string): readonly JsonObject[] {
  return cluster().filter(({ kind }) => kind !== unwanted)
}

const mesh = (trustDomain: string): JsonObject =>
  configMap('istio-system', 'istio', { mesh: `trustDomain: ${trustDomain}\n` })
const policy = (text: string): JsonObject => configMap('sluice-system', 'sluice-policy', { policy: text })

test('until every kind was listed once nothing can be decided, and what is missing is named', () => {
  const world = new World(DEFAULT_INSTALLATION, () => 0)
  const feeds = feedsOf(world)
  for (const [at, kind] of OBSERVED_KINDS.entries()) {
    const current = world.current()
    assert.ok(current.is === 'not_synced')
    assert.ok(current.why.endsWith(OBSERVED_KINDS.slice(at).join(', ')))
    feeds.list(kind, cluster())
  }
  assert.equal(world.current().is, 'snapshot')
})

test('a snapshot holds what the objects say', () => {
  const now = snapshot(worldOf(cluster(), DEFAULT_INSTALLATION))
  assert.equal(now.settings.mesh['trustDomain'], 'cluster.local')
  assert.deepEqual({ ...now.namespace('mesh')?.labels }, { 'istio-injection': 'enabled' })
  assert.equal(now.namespace('nowhere'), undefined)
  assert.deepEqual(now.installed, { agent: true, ztunnel: true })
  assert.deepEqual(
    [...(now.kubeletVersions ?? [])],
    [
      ['node-1', 'v1.34.0'],
      ['node-2', 'v1.34.0'],
    ],
  )
  assert.deepEqual(now.coverage(pod()).cni, { is: 'possible', covered: 2, candidates: 2 })
  assert.equal(now.policy.defaultMode, 'auto')
})

test('the settings are those of the revision that is served', () => {
  const objects = [
    ...cluster(),
    configMap('istio-system', 'istio-canary', { mesh: 'trustDomain: canary\n' }),
    configMap('istio-system', 'istio-sidecar-injector-canary', { config: 'policy: enabled\n', values: '{}' }),
  ]
  const served = (revision: string): unknown =>
    snapshot(worldOf(objects, { ...DEFAULT_INSTALLATION, revision })).settings.mesh['trustDomain']
  assert.deepEqual(['', 'default', 'canary'].map(served), ['cluster.local', 'cluster.local', 'canary'])
})

const UNUSABLE: readonly { readonly name: string; readonly objects: readonly JsonObject[]; readonly why: RegExp }[] = [
  { name: 'no ConfigMap', objects: without('ConfigMap'), why: /^ConfigMap istio-system\/istio: does not exist$/ },
  {
    name: 'a ConfigMap without its key',
    objects: [...cluster(), configMap('istio-system', 'istio', {})],
    why: /^ConfigMap istio-system\/istio: has no key mesh$/,
  },
  {
    name: 'a mesh that is no YAML',
    objects: [...cluster(), configMap('istio-system', 'istio', { mesh: '{' })],
    why: /^mesh: is neither YAML nor JSON/,
  },
  { name: 'a policy with an unknown field', objects: [...cluster(), policy('netAdmn: {}\n')], why: /netAdmn/ },
  {
    name: 'a policy without its key',
    objects: [...cluster(), configMap('sluice-system', 'sluice-policy', {})],
    why: /sluice-policy: has no key policy$/,
  },
]

for (const { name, objects, why } of UNUSABLE)
  test(`from the start with ${name} nothing is decided, and why is told`, () => {
    const current = worldOf(objects, DEFAULT_INSTALLATION).current()
    assert.ok(current.is === 'configuration')
    assert.match(current.why, why)
  })

test('a version that cannot be used keeps the last good one, with an alarm; the next good one is taken whole', () => {
  const { world, feeds } = living()
  const good = snapshot(world)
  feeds.put(configMap('istio-system', 'istio', { mesh: 'defaultConfig: 7' }))
  assert.equal(snapshot(world).settings, good.settings)
  assert.deepEqual([...world.problems().keys()], ['mesh'])
  feeds.remove(configMap('istio-system', 'istio', {}))
  assert.equal(snapshot(world).settings, good.settings)
  assert.match(world.problems().get('mesh') ?? '', /does not exist/)
  feeds.put(mesh('new.example'))
  assert.equal(snapshot(world).settings.mesh['trustDomain'], 'new.example')
  assert.equal(world.problems().size, 0)
})

test('a problem is told as soon as it is there, without a request in between', () => {
  const { world, feeds } = living()
  snapshot(world)
  feeds.put(configMap('istio-system', 'istio', { mesh: 'defaultConfig: 7' }))
  assert.deepEqual([...world.problems().keys()], ['mesh'])
})

test('a bad policy never loosens the one before', () => {
  const { world, feeds } = living([...cluster(), policy('netAdmin: { default: deny }')])
  assert.equal(snapshot(world).policy.netAdmin.default, 'deny')
  feeds.put(policy('netAdmin: { default: alow }'))
  assert.equal(snapshot(world).policy.netAdmin.default, 'deny')
  assert.deepEqual([...world.problems().keys()], ['policy'])
})

test('a change of any kind is in the next snapshot; the one before is as it was', () => {
  const { world, feeds } = living()
  const before = snapshot(world)
  feeds.put(node('node-2', []))
  feeds.remove(daemonSet('ztunnel'))
  feeds.put(namespace('new', { a: 'b' }))
  feeds.remove(namespace('plain', {}))
  const after = snapshot(world)
  assert.equal(after.coverage(pod()).cni.is, 'impossible')
  assert.equal(before.coverage(pod()).cni.is, 'possible')
  assert.deepEqual([before.installed.ztunnel, after.installed.ztunnel], [true, false])
  assert.deepEqual([after.namespace('new')?.labels['a'], after.namespace('plain')], ['b', undefined])
  assert.deepEqual([before.namespace('new'), before.namespace('plain')?.name], [undefined, 'plain'])
})

test('what changes nothing that decisions rest on, such as a heartbeat, makes no new snapshot', () => {
  const { world, feeds } = living()
  const before = snapshot(world)
  feeds.put({ ...node('node-1'), metadata: { ...(node('node-1')['metadata'] as JsonObject), resourceVersion: '2' } })
  feeds.remove(namespace('never-was', {}))
  assert.equal(snapshot(world), before)
})

test('a list that comes again replaces all there was', () => {
  const { world, feeds } = living()
  feeds.list('Namespace', [namespace('only', {})])
  assert.deepEqual([snapshot(world).namespace('only')?.name, snapshot(world).namespace('mesh')], ['only', undefined])
})

test('ProxyConfig resources reach the settings, oldest first; one that cannot be read keeps the last good settings', () => {
  const resource = (name: string, created: string, concurrency: unknown): JsonObject => ({
    apiVersion: 'networking.istio.io/v1beta1',
    kind: 'ProxyConfig',
    metadata: { name, namespace: 'mesh', creationTimestamp: created, managedFields: [{}] },
    spec: { concurrency } as JsonObject,
  })
  const { world, feeds } = living([
    ...cluster(),
    resource('b', '2026-01-02T00:00:00Z', 2),
    resource('a', '2026-01-01T00:00:00Z', 1),
  ])
  const concurrencies = (): unknown =>
    snapshot(world).settings.proxyConfigResources.map(({ spec }) => spec['concurrency'])
  assert.deepEqual(concurrencies(), [1, 2])
  feeds.put(resource('a', '2026-01-01T00:00:00Z', 'many'))
  assert.deepEqual(concurrencies(), [1, 2])
  assert.match(world.problems().get('mesh') ?? '', /^ProxyConfig mesh\/a spec/)
})

test('two watches of one kind do not touch what the other has seen', () => {
  const collection = new Collection<number>()
  const [one, other] = [collection.feed(), collection.feed()]
  one.replace(new Map([['a', 1]]))
  assert.equal(collection.listed, false)
  other.replace(new Map([['b', 2]]))
  assert.equal(collection.listed, true)
  one.replace(new Map())
  one.remove('b')
  assert.deepEqual([...collection.entries], [['b', 2]])
})
