import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BoundedMap } from '../../src/core/bounded-map.ts'

test('where another key comes than there is room for, the oldest goes; one that is there gets another value', () => {
  const map = new BoundedMap<string, number>(2)
  map.set('a', 1).set('b', 2).set('a', 3)
  assert.deepEqual(
    [...map],
    [
      ['a', 3],
      ['b', 2],
    ],
  )
  map.set('c', 4)
  assert.deepEqual(
    [...map],
    [
      ['b', 2],
      ['c', 4],
    ],
  )
})
