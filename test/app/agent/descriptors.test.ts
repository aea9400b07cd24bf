import assert from 'node:assert/strict'
import { test } from 'node:test'
import { descriptorAlarms, type Holdings } from '../../../src/app/agent/descriptors.ts'

/** `needed`: null, no alarm */
const CASES: readonly { readonly name: string; readonly holds: Holdings; readonly needed: number | null }[] = [
  {
    name: 'a small limit is told before the pods have come, for as many as a kubelet usually takes',
    holds: { limit: 475, pods: 0, ambient: true },
    needed: 476,
  },
  { name: 'as many as are needed are enough', holds: { limit: 476, pods: 110, ambient: true }, needed: null },
  { name: 'only ambient pods are kept open', holds: { limit: 366, pods: 110, ambient: false }, needed: null },
  {
    name: 'a crowded node needs two for each pod: its request, and its namespace for ztunnel',
    holds: { limit: 1024, pods: 400, ambient: true },
    needed: 1056,
  },
  {
    name: 'no more requests than the socket takes are counted',
    holds: { limit: 1024, pods: 5000, ambient: false },
    needed: null,
  },
]

for (const { name, holds, needed } of CASES)
  test(name, () => {
    const found = descriptorAlarms(holds)
    const pods = Math.max(110, holds.pods)
    const args = { limit: holds.limit, needed, pods }
    assert.deepEqual(found, needed === null ? [] : [{ code: 'descriptors_few', args }])
  })
