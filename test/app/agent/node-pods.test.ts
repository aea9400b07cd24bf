import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NodePods } from '../../../src/app/agent/node-pods.ts'
import type { JsonObject } from '../../../src/core/json/value.ts'

const pod = (uid: string, more: JsonObject = {}): JsonObject => ({
  kind: 'Pod',
  metadata: { uid, name: 'web-0', namespace: 'shop', labels: { app: 'web' }, managedFields: [{ manager: 'x' }] },
  spec: {
    nodeName: 'node-1',
    volumes: [{ name: 'large' }],
    containers: [
      { name: 'app', image: 'app:1', env: [{ name: 'SECRET', value: 'no business of the agent' }] },
      { name: 'istio-proxy', image: 'proxyv2', args: ['proxy', 'sidecar'], env: [{ name: 'A', value: 'b' }] },
    ],
    ...more,
  },
  status: { phase: 'Running', podIP: '10.0.0.2', hostIP: '10.0.0.1' },
})

function podsOf(...objects: readonly JsonObject[]): NodePods {
  const report = (): void => assert.fail('nothing is watched')
  return new NodePods({ nodeName: 'node-1', pods: { from: 'objects', objects }, report })
}

test('only pods of this node are kept, and of them only what redirection rests on', () => {
  const pods = podsOf(pod('uid-1'), pod('uid-2', { nodeName: 'node-2' }))
  assert.deepEqual(
    pods.all().map(({ uid }) => uid),
    ['uid-1'],
  )
  const text = JSON.stringify(pods.get('uid-1')?.object)
  assert.match(text, /"args":\["proxy","sidecar"\]/)
  assert.match(text, /10\.0\.0\.2/)
  assert.doesNotMatch(text, /SECRET|managedFields|volumes|image/)
})

test('a name that comes again with another uid is another pod', () => {
  const pods = podsOf(pod('uid-1'), pod('uid-2'))
  assert.equal(pods.get('uid-1'), undefined)
  assert.equal(pods.get('uid-2')?.name, 'web-0')
})

test('objects that are given once are all there are: synced, and never old', () => {
  const pods = podsOf({
    kind: 'Namespace',
    metadata: { name: 'shop', labels: { 'istio.io/dataplane-mode': 'ambient' } },
  })
  assert.deepEqual([pods.synced, pods.ageMs], [true, 0])
  assert.deepEqual({ ...pods.namespaceLabels('shop') }, { 'istio.io/dataplane-mode': 'ambient' })
  assert.equal(pods.namespaceLabels('other'), undefined)
})

test('whoever waits for a pod that does not come is told when the time is over', async () => {
  assert.equal(await podsOf().waitFor('uid-1', AbortSignal.timeout(20)), undefined)
  assert.equal((await podsOf(pod('uid-1')).waitFor('uid-1', AbortSignal.timeout(20)))?.uid, 'uid-1')
})
