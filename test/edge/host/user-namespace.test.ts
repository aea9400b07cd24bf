import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseIdMap } from '../../../src/edge/host/user-namespace.ts'

const map = parseIdMap('         0     100000      1000\n      2000          5          1\n')

for (const [inside, outside] of [
  [0, 100000],
  [999, 100999],
  [1000, null],
  [2000, 5],
  [2001, null],
] as const)
  test(`id ${inside} inside is ${outside ?? 'nobody'} outside`, () => {
    assert.equal(map(inside), outside)
  })

test('a namespace without a map has nobody', () => {
  assert.equal(parseIdMap('')(0), null)
})
