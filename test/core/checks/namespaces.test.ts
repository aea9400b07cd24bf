import assert from 'node:assert/strict'
import { test } from 'node:test'
import { shippedObjects } from '../../../scripts/cluster/shipped.ts'
import { objectOr, stringOr } from '../../../src/core/json/value.ts'

test("what ships lives in Sluice's namespace and in istiod's, where a check looks whether it is there", () => {
  const places = shippedObjects().flatMap(({ kind, metadata }) => {
    const namespace = stringOr(objectOr(metadata)['namespace'])
    return namespace === undefined || namespace === 'sluice-system' ? [] : [`${stringOr(kind) ?? ''} in ${namespace}`]
  })
  assert.deepEqual([...new Set(places)].sort(), ['Role in istio-system', 'RoleBinding in istio-system'])
})
