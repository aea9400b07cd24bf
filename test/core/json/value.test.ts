import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isObject, objectsOf, stringMap } from '../../../src/core/json/value.ts'

test('a number that a double cannot hold is no object, so it is only ever copied', () => {
  const raw = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON('12345678901234567890')
  assert.equal(isObject(raw), false)
})

test('a list that is no list, or holds no objects, gives no objects', () => {
  assert.deepEqual(objectsOf('x'), [])
  assert.deepEqual(objectsOf([1, { a: 1 }, null]), [{ a: 1 }])
})

test('a label called __proto__ is a label', () => {
  const map = stringMap(JSON.parse('{"__proto__":"x","n":1}'))
  assert.equal(map['__proto__'], 'x')
  assert.equal('n' in map, false)
})
