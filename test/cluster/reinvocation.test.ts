import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { containersOf } from '../../src/core/json/pod.ts'
import { type JsonObject, objectOr, objectsOf, stringOr } from '../../src/core/json/value.ts'
import { type Mesh, startMesh, until } from './mesh.ts'

/** Another admission plugin that adds a container once it sees the sidecar: after Sluice's first turn. */
const LATE_CONTAINER: readonly JsonObject[] = [
  {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingAdmissionPolicy',
    metadata: { name: 'late' },
    spec: {
      failurePolicy: 'Fail',
      reinvocationPolicy: 'IfNeeded',
      matchConstraints: {
        resourceRules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }],
        namespaceSelector: { matchLabels: { late: 'yes' } },
      },
      mutations: [
        {
          patchType: 'ApplyConfiguration',
          applyConfiguration: {
            // asked in both rounds, since only a plugin of the first round is asked in the second
            expression: `has(object.spec.initContainers) && object.spec.initContainers.exists(c, c.name == 'istio-proxy')
              ? Object{spec: Object.spec{containers: [Object.spec.containers{
                  name: 'late', image: 'registry.example/late:1',
                  readinessProbe: Object.spec.containers.readinessProbe{
                    httpGet: Object.spec.containers.readinessProbe.httpGet{path: '/ready', port: 8080}}}]}}
              : Object{}`,
          },
        },
      ],
    },
  },
  {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingAdmissionPolicyBinding',
    metadata: { name: 'late' },
    spec: { policyName: 'late' },
  },
]

let mesh: Mesh
before(async () => {
  mesh = await startMesh({ late: { 'istio-injection': 'enabled', late: 'yes' } })
})
after(async () => await mesh.stop())

const podIn = (namespace: string, name: string): JsonObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace, labels: { app: 'a' } },
  spec: { containers: [{ name: 'app', image: 'registry.example/app:1' }] },
})

test('a container that comes in after the sidecar is treated as if it had been there before', async () => {
  const { code, stderr } = await mesh.server.kubectl(
    ['apply', '-f', '-'],
    JSON.stringify({ apiVersion: 'v1', kind: 'List', items: LATE_CONTAINER }),
  )
  assert.equal(code, 0, stderr)
  const late = await until('the other plugin adds its container', async () => {
    const { objects } = await mesh.create([podIn('late', 'two')], 'dry run')
    return objects.find((object) => containersOf(object).some(({ name }) => name === 'late'))
  })
  assert.deepEqual(
    containersOf(late).map(({ name }) => name),
    ['istio-validation', 'istio-proxy', 'app', 'late'],
  )
  const added = containersOf(late).find(({ name }) => name === 'late')?.container
  assert.equal(objectOr(objectOr(added?.['readinessProbe'])['httpGet'])['path'], '/app-health/late/readyz')
  const proxy = containersOf(late).find(({ name }) => name === 'istio-proxy')?.container
  const env = new Map(objectsOf(proxy?.['env']).map(({ name, value }) => [name, stringOr(value) ?? '']))
  assert.equal(env.get('ISTIO_META_APP_CONTAINERS'), 'app,late')
  assert.match(env.get('ISTIO_KUBE_APP_PROBERS') ?? '', /"\/app-health\/late\/readyz"/)
})
