import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { mapValues } from '../../../src/core/json/map-values.ts'
import { parseJson } from '../../../src/core/json/parse.ts'
import { objectOr, type JsonObject } from '../../../src/core/json/value.ts'

test('an object whose values all stay is given back itself', () => {
  const object = { a: 1, b: { c: [] }, d: null }
  assert.equal(
    mapValues(object, (_key, value) => value),
    object,
  )
})

test('an undefined value is none: the object without it is another one', () => {
  assert.deepEqual(Object.entries(mapValues({ a: 1, b: undefined }, (_key, value) => value)), Object.entries({ a: 1 }))
})

test('property: it gives what making the object anew from its entries gives, and changes nobody', () => {
  const key = fc.constantFrom('a', 'b', 'c', 'd', '__proto__', 'constructor')
  const object = fc
    .dictionary(key, fc.constantFrom(0, 1, 2, null))
    .map((value) => objectOr(parseJson(JSON.stringify(value))))
  const changes = fc.dictionary(key, fc.constantFrom(undefined, 0, 'new'))
  fc.assert(
    fc.property(object, changes, (before, changed) => {
      const change = (name: string, value: JsonObject[string]): JsonObject[string] =>
        Object.hasOwn(changed, name) ? changed[name] : value
      const text = JSON.stringify(before)
      const anew = Object.entries(before).flatMap(([name, value]) => {
        const given = change(name, value)
        return given === undefined ? [] : [[name, given] as const]
      })
      assert.deepEqual(Object.entries(mapValues(before, change)), anew)
      assert.equal(JSON.stringify(before), text)
    }),
  )
})
