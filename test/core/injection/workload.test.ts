import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ownerUrl, workloadOf, workloadOfDocument } from '../../../src/core/injection/workload.ts'
import type { JsonObject } from '../../../src/core/json/value.ts'

function owned(kind: string, name: string, labels: JsonObject = {}, apiVersion = 'apps/v1'): JsonObject {
  return {
    metadata: {
      generateName: 'x-',
      labels,
      ownerReferences: [{ kind: 'Other' }, { controller: true, kind, name, apiVersion }],
    },
  }
}

const CASES: readonly { readonly name: string; readonly pod: JsonObject; readonly want: string }[] = [
  { name: 'a named pod is its own workload', pod: { metadata: { name: 'lone' } }, want: 'v1 Pod lone' },
  {
    name: 'a named pod without generateName is its own workload, whatever owns it',
    pod: { metadata: { name: 'n', ownerReferences: [{ controller: true, kind: 'ReplicaSet', name: 'r' }] } },
    want: 'v1 Pod n',
  },
  { name: 'a generated pod without owner has no workload', pod: { metadata: { generateName: 'g-' } }, want: 'v1 Pod ' },
  {
    name: 'a hashed ReplicaSet is its Deployment',
    pod: owned('ReplicaSet', 'web-abc', { 'pod-template-hash': 'abc' }),
    want: 'apps/v1 Deployment web',
  },
  {
    name: 'a ReplicaSet whose hash is not set off by a dash keeps its name',
    pod: owned('ReplicaSet', 'webabc', { 'pod-template-hash': 'abc' }),
    want: 'apps/v1 Deployment webabc',
  },
  {
    name: 'a ReplicaSet of a rollout is its Rollout',
    pod: owned('ReplicaSet', 'web-abc', { 'pod-template-hash': 'zzz', 'rollouts-pod-template-hash': 'abc' }),
    want: 'v1alpha1 Rollout web',
  },
  { name: 'a plain ReplicaSet is itself', pod: owned('ReplicaSet', 'web'), want: 'apps/v1 ReplicaSet web' },
  { name: 'a Job named like a CronJob’s is its CronJob', pod: owned('Job', 'j-12345678'), want: 'batch/v1 CronJob j' },
  { name: 'a Job with eleven digits is itself', pod: owned('Job', 'j-12345678901'), want: 'apps/v1 Job j-12345678901' },
  {
    name: 'a ReplicationController of a DeploymentConfig is that',
    pod: owned('ReplicationController', 'dc-1', { deploymentconfig: 'dc' }, 'v1'),
    want: 'v1 DeploymentConfig dc',
  },
  { name: 'an owner of any other kind is the workload', pod: owned('Foo', 'f', {}, 'x.y/v1'), want: 'x.y/v1 Foo f' },
  {
    name: 'an owner without a name leaves the name of the pod',
    pod: { metadata: { name: 'p', generateName: 'p-', ownerReferences: [{ controller: true, kind: 'Foo' }] } },
    want: ' Foo p',
  },
]

for (const { name, pod, want } of CASES) {
  test(name, () => {
    const found = workloadOf(pod)
    assert.equal(`${found.apiVersion} ${found.kind} ${found.name}`, want)
  })
}

test('the owner’s URL names kind and namespace in Istio’s way', () => {
  const workload = { name: 'web', kind: 'Deployment', apiVersion: 'apps/v1' }
  assert.equal(ownerUrl(workload, 'shop'), 'kubernetes://apis/apps/v1/namespaces/shop/deployments/web')
  assert.equal(ownerUrl(workload, ''), 'kubernetes://apis/apps/v1/namespaces/default/deployments/web')
})

test('a document that is injected offline is its own workload', () => {
  const document = { kind: 'StatefulSet', apiVersion: 'apps/v1', metadata: { name: 'db' } }
  assert.deepEqual(workloadOfDocument(document), { name: 'db', kind: 'StatefulSet', apiVersion: 'apps/v1' })
})
