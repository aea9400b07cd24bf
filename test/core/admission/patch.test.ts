import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import fastJsonPatch, { type Operation } from 'fast-json-patch'
import { diff, type PatchOperation } from '../../../src/core/admission/patch.ts'
import { deepEqual } from '../../../src/core/json/equal.ts'
import { parseJson, stringify } from '../../../src/core/json/parse.ts'
import { objectOr, type Json, type JsonObject } from '../../../src/core/json/value.ts'
import { applyPatch } from './apply-patch.ts'

const CASES: readonly {
  readonly what: string
  readonly before: JsonObject
  readonly after: JsonObject
  readonly patch: readonly PatchOperation[]
}[] = [
  { what: 'nothing changed: an empty patch', before: { a: [{ name: 'x' }] }, after: { a: [{ name: 'x' }] }, patch: [] },
  {
    what: 'a container put before the others is one add',
    before: { containers: [{ name: 'app', image: 'a' }] },
    after: { containers: [{ name: 'istio-proxy' }, { name: 'app', image: 'a' }] },
    patch: [{ op: 'add', path: '/containers/0', value: { name: 'istio-proxy' } }],
  },
  {
    what: 'a container put behind the others is one add',
    before: { containers: [{ name: 'app' }] },
    after: { containers: [{ name: 'app' }, { name: 'istio-proxy' }] },
    patch: [{ op: 'add', path: '/containers/1', value: { name: 'istio-proxy' } }],
  },
  {
    what: 'a field deep in a container that moved is changed where it stands now',
    before: { containers: [{ name: 'app', env: [{ name: 'A', value: '1' }] }] },
    after: { containers: [{ name: 'p' }, { name: 'app', env: [{ name: 'A', value: '2' }] }] },
    patch: [
      { op: 'add', path: '/containers/0', value: { name: 'p' } },
      { op: 'replace', path: '/containers/1/env/0/value', value: '2' },
    ],
  },
  {
    what: 'one that moves to the front is taken out and put in; the others stay',
    before: { c: [{ name: 'a' }, { name: 'b' }, { name: 'p' }] },
    after: { c: [{ name: 'p' }, { name: 'a' }, { name: 'b' }] },
    patch: [
      { op: 'remove', path: '/c/2' },
      { op: 'add', path: '/c/0', value: { name: 'p' } },
    ],
  },
  {
    what: 'removed elements go from the back',
    before: { c: [{ name: 'a' }, { name: 'b' }, { name: 'c' }] },
    after: { c: [{ name: 'b' }] },
    patch: [
      { op: 'remove', path: '/c/2' },
      { op: 'remove', path: '/c/0' },
    ],
  },
  {
    what: 'an argument changed in the middle is replaced in place',
    before: { args: ['a', 'b', 'c'] },
    after: { args: ['a', 'x', 'c'] },
    patch: [{ op: 'replace', path: '/args/1', value: 'x' }],
  },
  {
    what: 'mounts of one volume, which share a name, are compared by content',
    before: {
      m: [
        { name: 'v', mountPath: '/a' },
        { name: 'v', mountPath: '/b' },
      ],
    },
    after: {
      m: [
        { name: 'v', mountPath: '/a' },
        { name: 'w', mountPath: '/x' },
        { name: 'v', mountPath: '/b' },
      ],
    },
    patch: [{ op: 'add', path: '/m/1', value: { name: 'w', mountPath: '/x' } }],
  },
  {
    what: 'keys with ~ and / are escaped',
    before: { annotations: { 'a/b~c': '1', '~1': 'gone' } },
    after: { annotations: { 'a/b~c': '2', 'd~/e': 'new' } },
    patch: [
      { op: 'remove', path: '/annotations/~01' },
      { op: 'replace', path: '/annotations/a~1b~0c', value: '2' },
      { op: 'add', path: '/annotations/d~0~1e', value: 'new' },
    ],
  },
  {
    what: 'a parent that is missing is added whole',
    before: {},
    after: { metadata: { labels: { a: 'b' } } },
    patch: [{ op: 'add', path: '/metadata', value: { labels: { a: 'b' } } }],
  },
  {
    what: 'another type is replaced, null is a value',
    before: { a: [], b: null, c: 1 },
    after: { a: {}, b: 0, c: null },
    patch: [
      { op: 'replace', path: '/a', value: {} },
      { op: 'replace', path: '/b', value: 0 },
      { op: 'replace', path: '/c', value: null },
    ],
  },
  { what: 'an undefined value is an absent key', before: { a: 1 }, after: { a: 1, b: undefined }, patch: [] },
  {
    what: 'a key of Object.prototype is a key',
    before: {},
    after: { constructor: 'x' },
    patch: [{ op: 'add', path: '/constructor', value: 'x' }],
  },
]

for (const { what, before, after, patch } of CASES)
  test(what, () => {
    assert.deepEqual(diff(before, after), patch)
    assert.deepEqual(applyPatch(before, patch), JSON.parse(stringify(after)))
  })

test('numbers kept as digits are compared by their digits and come out as these', () => {
  const before = objectOr(parseJson('{"a":1.0,"b":12345678901234567890}'))
  const after = objectOr(parseJson('{"a":1.0,"b":12345678901234567891}'))
  assert.equal(
    stringify(diff(before, after) as unknown as Json),
    '[{"op":"replace","path":"/b","value":12345678901234567891}]',
  )
})

const key = fc.constantFrom('a', 'b', 'name', 'x/y', '~', 'constructor', '')
const { tree: anyJson } = fc.letrec<{ tree: Json; object: JsonObject }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom<Json>(null, true, 0, 1, '', 'a', 'b'),
    fc.array(tie('tree'), { maxLength: 5 }),
    fc
      .uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { maxLength: 5 })
      .chain((names) => fc.tuple(...names.map((name) => tie('object').map((object) => ({ ...object, name }))))),
    tie('object'),
  ),
  object: fc.dictionary(key, tie('tree'), { maxKeys: 4, noNullPrototype: true }),
}))
const anyObject = fc.record({ root: anyJson })

test('the patch applied to the first gives the second, through an applier of our own and through fast-json-patch', () => {
  fc.assert(
    fc.property(anyObject, anyObject, (before, after) => {
      const untouched = stringify(before)
      const patch = diff(before, after)
      assert.equal(stringify(before), untouched)
      assert.ok(deepEqual(applyPatch(before, patch), after))
      const { newDocument } = fastJsonPatch.applyPatch(before, structuredClone(patch) as Operation[], true, false)
      assert.ok(deepEqual(newDocument, after))
    }),
    { numRuns: 3000 },
  )
})

test('a pod with itself inserted into is never rewritten: 200 containers of 10 variables give one add each for what is new', () => {
  const containers = Array.from({ length: 200 }, (_, at) => ({
    name: `c${at}`,
    env: Array.from({ length: 10 }, (_, n) => ({ name: `E${n}`, value: `${at}` })),
    args: ['--a', '--b'],
  }))
  const changed = containers.map((container) => ({
    ...container,
    env: [...container.env.slice(0, 5), { name: 'NEW', value: '1' }, ...container.env.slice(5)],
  }))
  const patch = diff({ spec: { containers } }, { spec: { containers: [{ name: 'istio-proxy' }, ...changed] } })
  assert.equal(patch.length, 201)
  assert.ok(patch.every(({ op }) => op === 'add'))
})
