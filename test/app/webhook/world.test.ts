import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OBSERVED_KINDS } from '../../../src/app/webhook/objects.ts'
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

function without(unwanted: string): readonly JsonObject[] {
  return cluster().filter(({ kind }) => kind !== unwanted)
}

const mesh = (trustDomain: string): JsonObject =>
  configMap('istio-system', 'istio', { mesh: `trustDomain: ${trustDomain}\n` })
const policy = (text: string): JsonObject => configMap('sluice-system', 'sluice-policy', { policy: text })

test('until every kind was listed once nothing can be decided, and what is missing is named', () => {
  const world = new World(DEFAULT_INSTALLATION, () => 0)
  for (const [at, kind] of OBSERVED_KINDS.entries()) {
    const current = world.current()
    assert.ok(current.is === 'not_synced')
    assert.ok(current.why.endsWith(OBSERVED_KINDS.slice(at).join(', ')))
    world.list(
      kind,
      cluster().filter((object) => object['kind'] === kind),
    )
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
  const world = worldOf(cluster(), DEFAULT_INSTALLATION)
  const good = snapshot(world)
  world.collection('ConfigMap').put(configMap('istio-system', 'istio', { mesh: 'defaultConfig: 7' }))
  assert.equal(snapshot(world).settings, good.settings)
  assert.deepEqual([...world.problems().keys()], ['mesh'])
  world.collection('ConfigMap').remove(configMap('istio-system', 'istio', {}))
  assert.equal(snapshot(world).settings, good.settings)
  assert.match(world.problems().get('mesh') ?? '', /does not exist/)
  world.collection('ConfigMap').put(mesh('new.example'))
  assert.equal(snapshot(world).settings.mesh['trustDomain'], 'new.example')
  assert.equal(world.problems().size, 0)
})

test('a bad policy never loosens the one before', () => {
  const world = worldOf([...cluster(), policy('netAdmin: { default: deny }')], DEFAULT_INSTALLATION)
  assert.equal(snapshot(world).policy.netAdmin.default, 'deny')
  world.collection('ConfigMap').put(policy('netAdmin: { default: alow }'))
  assert.equal(snapshot(world).policy.netAdmin.default, 'deny')
  assert.deepEqual([...world.problems().keys()], ['policy'])
})

test('a change of any kind is in the next snapshot; the one before is as it was', () => {
  const world = worldOf(cluster(), DEFAULT_INSTALLATION)
  const before = snapshot(world)
  world.collection('Node').put(node('node-2', []))
  world.collection('DaemonSet').remove(daemonSet('ztunnel'))
  world.collection('Namespace').put(namespace('new', { a: 'b' }))
  world.collection('Namespace').remove(namespace('plain', {}))
  const after = snapshot(world)
  assert.equal(after.coverage(pod()).cni.is, 'impossible')
  assert.equal(before.coverage(pod()).cni.is, 'possible')
  assert.deepEqual([before.installed.ztunnel, after.installed.ztunnel], [true, false])
  assert.deepEqual([after.namespace('new')?.labels['a'], after.namespace('plain')], ['b', undefined])
  assert.deepEqual([before.namespace('new'), before.namespace('plain')?.name], [undefined, 'plain'])
})

test('what changes nothing that decisions rest on, such as a heartbeat, makes no new snapshot', () => {
  const world = worldOf(cluster(), DEFAULT_INSTALLATION)
  const before = snapshot(world)
  world
    .collection('Node')
    .put({ ...node('node-1'), metadata: { ...(node('node-1')['metadata'] as JsonObject), resourceVersion: '2' } })
  world.collection('Namespace').remove(namespace('never-was', {}))
  assert.equal(snapshot(world), before)
})

test('a list that comes again replaces all there was', () => {
  const world = worldOf(cluster(), DEFAULT_INSTALLATION)
  world.list('Namespace', [namespace('only', {})])
  assert.deepEqual([snapshot(world).namespace('only')?.name, snapshot(world).namespace('mesh')], ['only', undefined])
})

test('ProxyConfig resources reach the settings, oldest first; one that cannot be read keeps the last good settings', () => {
  const resource = (name: string, created: string, concurrency: unknown): JsonObject => ({
    apiVersion: 'networking.istio.io/v1beta1',
    kind: 'ProxyConfig',
    metadata: { name, namespace: 'mesh', creationTimestamp: created, managedFields: [{}] },
    spec: { concurrency } as JsonObject,
  })
  const world = worldOf(
    [...cluster(), resource('b', '2026-01-02T00:00:00Z', 2), resource('a', '2026-01-01T00:00:00Z', 1)],
    DEFAULT_INSTALLATION,
  )
  const concurrencies = (): unknown =>
    snapshot(world).settings.proxyConfigResources.map(({ spec }) => spec['concurrency'])
  assert.deepEqual(concurrencies(), [1, 2])
  world.collection('ProxyConfig').put(resource('a', '2026-01-01T00:00:00Z', 'many'))
  assert.deepEqual(concurrencies(), [1, 2])
  assert.match(world.problems().get('mesh') ?? '', /^ProxyConfig mesh\/a spec/)
})
