import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clusterOfRequest, nativeSidecars, supportsNative } from '../../../src/core/injection/native-sidecars.ts'
import { idBlock, proxyIds } from '../../../src/core/injection/proxy-ids.ts'
import type { JsonObject } from '../../../src/core/json/value.ts'
import { objectOr, objectsOf } from '../../../src/core/json/value.ts'
import { container, contextOf, injected, podOf, proxyEnv } from './injection-fixture.ts'

test('only the minor version of a kubelet counts, and an unreadable one is too old', () => {
  const native = ['v1.33.0', '1.33', 'v1.33.0-gke.100', 'v1.33.0+k3s1', 'v1.40.1']
  const old = ['v1.32.9', 'v2.0.0', 'garbage', '', 'v1', 'v1.x']
  assert.deepEqual(
    native.filter((version) => !supportsNative(version)),
    [],
  )
  assert.deepEqual(old.filter(supportsNative), [])
})

const VERSIONS = new Map([
  ['old', 'v1.32.0'],
  ['new', 'v1.33.0'],
])

const NATIVE: readonly (readonly [string, boolean, Parameters<typeof nativeSidecars>])[] = [
  ['switched on', true, ['enabled', undefined, undefined]],
  ['switched off', false, ['disabled', new Map(), undefined]],
  ['detected, the cluster is unknown', false, ['auto', undefined, 'new']],
  ['detected, no nodes yet', true, ['auto', new Map(), undefined]],
  ['detected, one node is too old', false, ['auto', VERSIONS, undefined]],
  ['detected, the pod is bound to a new node', true, ['auto', VERSIONS, 'new']],
  ['detected, the pod is bound to an old node', false, ['auto', VERSIONS, 'old']],
  ['detected, the pod is bound to an unknown node', false, ['auto', VERSIONS, 'nobody']],
]

for (const [name, want, args] of NATIVE)
  test(`native sidecars ${want ? 'are on' : 'are off'}: ${name}`, () => assert.equal(nativeSidecars(...args), want))

test('the annotation overrides the setting: any text but "false" is on, an empty one asks nothing', () => {
  const isNative = (text: string, nativeSidecars: boolean): boolean => {
    const pod = injected(podOf({ annotations: { 'sidecar.istio.io/nativeSidecar': text } }), { nativeSidecars })
    return objectsOf(objectOr(pod['spec'])['initContainers']).some((one) => one['name'] === 'istio-proxy')
  }
  assert.deepEqual(
    [isNative('yes', false), isNative('false', true), isNative('', true), isNative('', false)],
    [true, false, true, false],
  )
})

test('a request is about the cluster of its path, else the one of the settings, else Kubernetes', () => {
  const named = contextOf({ values: { global: { multiCluster: { clusterName: 'c1' } } } }).settings
  assert.equal(clusterOfRequest(named, { ISTIO_META_CLUSTER_ID: 'c2' }), 'c2')
  assert.equal(clusterOfRequest(named, {}), 'c1')
  assert.equal(clusterOfRequest(contextOf().settings, {}), 'Kubernetes')
})

test('a block of ids is start/size or start-end, and the first of several counts', () => {
  assert.deepEqual(idBlock('1000620000/10000'), { start: 1000620000, end: 1000629999 })
  assert.deepEqual(idBlock('1/2,3/4'), { start: 1, end: 2 })
  assert.deepEqual(idBlock('1000-1999'), { start: 1000, end: 1999 })
  for (const text of ['', '5', 'a/b', '-1/2', '1/2/3']) assert.equal(idBlock(text), undefined, text)
})

const UIDS = 'openshift.io/sa.scc.uid-range'
const GROUPS = 'openshift.io/sa.scc.supplemental-groups'
const IDS: readonly (readonly [string, Readonly<Record<string, string>>, readonly [number, number]])[] = [
  ['nothing', {}, [1337, 1337]],
  ['a range of users', { [UIDS]: '10/5' }, [14, 14]],
  ['users and groups', { [UIDS]: '10/5', [GROUPS]: '20-29,40-49' }, [14, 29]],
  ['unreadable groups', { [UIDS]: '10/5', [GROUPS]: 'x' }, [14, 1337]],
]
for (const [name, namespaceAnnotations, [uid, gid]] of IDS)
  test(`on OpenShift the proxy of a namespace with ${name} runs as ${uid}:${gid}`, () => {
    const { settings, namespace } = contextOf({ namespaceAnnotations, texts: { platform: 'openshift' } })
    assert.deepEqual(proxyIds(settings, namespace), { uid, gid })
    assert.deepEqual(proxyIds(contextOf({ namespaceAnnotations }).settings, namespace), { uid: 1337, gid: 1337 })
  })

test('on OpenShift a user’s proxy loses the user that OpenShift assigned, and only that', () => {
  const securityOf = (user: number | undefined, platform: string): JsonObject => {
    const own = { name: 'istio-proxy', image: 'auto', securityContext: { runAsUser: user, runAsGroup: 7 } }
    const spec = {
      containers: [{ name: 'web', securityContext: { runAsUser: 5 } }, JSON.parse(JSON.stringify(own)) as JsonObject],
    }
    return objectOr(container(injected(podOf({ spec }), { texts: { platform } }), 'istio-proxy')['securityContext'])
  }
  assert.deepEqual([securityOf(5, 'openshift')['runAsUser'], securityOf(5, 'openshift')['runAsGroup']], [1337, 1337])
  assert.deepEqual([securityOf(6, 'openshift')['runAsUser'], securityOf(6, 'openshift')['runAsGroup']], [6, 7])
  assert.equal(securityOf(5, '')['runAsUser'], 5)
})

test('cluster and network of the path win over the settings, stand at the end, and the label wins over both', () => {
  const values = { global: { network: 'n1', multiCluster: { clusterName: 'c1' } } }
  const pathEnv = { ISTIO_META_NETWORK: 'n2', ZONE: 'z', A: 'a' }
  const pod = injected(podOf(), { values, pathEnv })
  const names = objectsOf(container(pod, 'istio-proxy')['env']).map((one) => one['name'])
  assert.deepEqual(names.slice(-4), ['A', 'ISTIO_META_CLUSTER_ID', 'ISTIO_META_NETWORK', 'ZONE'])
  assert.equal(names.filter((name) => name === 'ISTIO_META_NETWORK').length, 1)
  assert.equal(proxyEnv(pod, 'ISTIO_META_CLUSTER_ID'), 'c1')
  assert.equal(proxyEnv(pod, 'ISTIO_META_NETWORK'), 'n2')
  assert.equal(objectOr(objectOr(pod['metadata'])['labels'])['topology.istio.io/network'], 'n2')
  const labelled = injected(podOf({ labels: { 'topology.istio.io/network': 'n9' } }), { values, pathEnv })
  assert.equal(proxyEnv(labelled, 'ISTIO_META_NETWORK'), 'n9')
})
