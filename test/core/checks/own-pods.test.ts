import assert from 'node:assert/strict'
import { test } from 'node:test'
import { shippedObjects } from '../../../scripts/cluster/shipped.ts'
import { ownPod } from '../../../src/core/checks/own-pods.ts'
import { labelsOf, specOf } from '../../../src/core/json/pod.ts'
import { type JsonObject, objectOr, objectsOf, stringOr } from '../../../src/core/json/value.ts'

/** What the pod of a dry run leaves out: what no policy of Pod Security judges, or what is not there before the installation. */
const LEFT_OUT = {
  pod: [
    ...['affinity', 'dnsPolicy', 'nodeSelector', 'priorityClassName', 'serviceAccountName'],
    ...['terminationGracePeriodSeconds', 'tolerations', 'topologySpreadConstraints'],
  ],
  container: [
    ...['args', 'command', 'env', 'image', 'imagePullPolicy', 'resources', 'volumeMounts'],
    ...['livenessProbe', 'name', 'readinessProbe', 'startupProbe'],
  ],
} as const

function judged(spec: JsonObject): JsonObject {
  const less = (object: JsonObject, keys: readonly string[]): JsonObject =>
    Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)))
  const containers = objectsOf(spec['containers']).map((container) => less(container, LEFT_OUT.container))
  return { ...less(spec, LEFT_OUT.pod), containers }
}

for (const [component, kind] of [
  ['webhook', 'Deployment'],
  ['agent', 'DaemonSet'],
] as const)
  test(`the ${component}'s pod of the dry run is the one that ships, in all that policies judge`, () => {
    const shipped = shippedObjects().find((object) => object['kind'] === kind)
    const template = objectOr(specOf(shipped ?? {})['template'])
    const tried = ownPod(component, 'a:1')
    assert.deepEqual(judged(specOf(tried)), judged(objectOr(template['spec'])))
    for (const [key, value] of Object.entries(labelsOf(tried)))
      assert.equal(stringOr(objectOr(objectOr(template['metadata'])['labels'])[key]), value, key)
  })
