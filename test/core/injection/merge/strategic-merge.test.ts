import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MergeError, strategicMerge } from '../../../../src/core/injection/merge/strategic-merge.ts'
import { type Json, type JsonObject, objectOr, objectsOf } from '../../../../src/core/json/value.ts'

const names = (list: string, ...given: readonly string[]): JsonObject => ({ [list]: given.map((name) => ({ name })) })

for (const { name, original, patch, want } of [
  {
    name: 'a null deletes, and is not stored where there was nothing',
    original: { a: 1, b: 2 },
    patch: { a: null, c: null },
    want: { b: 2 },
  },
  {
    name: 'maps merge key by key, scalars and other types are replaced',
    original: { a: { x: 1 }, b: 'y' },
    patch: { a: { y: 2 }, b: { z: 3 } },
    want: { a: { x: 1, y: 2 }, b: { z: 3 } },
  },
  {
    name: 'what is new is stored without its nulls',
    original: {},
    patch: { a: { b: null, c: { d: null, e: 1 } } },
    want: { a: { c: { e: 1 } } },
  },
  {
    name: 'a list without a key is replaced',
    original: { args: ['a', 'b'] },
    patch: { args: ['c'] },
    want: { args: ['c'] },
  },
  {
    name: 'elements with one key merge',
    original: { env: [{ name: 'A', value: '1', extra: true }] },
    patch: { env: [{ name: 'A', value: '2' }] },
    want: { env: [{ name: 'A', value: '2', extra: true }] },
  },
  {
    name: 'new elements come first',
    original: names('containers', 'app'),
    patch: names('containers', 'istio-proxy'),
    want: names('containers', 'istio-proxy', 'app'),
  },
  {
    name: "the original's own stay before a shared one that they stood before",
    original: names('env', 'A', 'B', 'C'),
    patch: names('env', 'N', 'B'),
    want: names('env', 'N', 'A', 'B', 'C'),
  },
  {
    name: 'an element goes when the patch says so',
    original: names('volumes', 'a', 'b'),
    patch: { volumes: [{ name: 'a', $patch: 'delete' }] },
    want: names('volumes', 'b'),
  },
  {
    name: 'a marker with a key replaces the whole list too, and elements with other markers go',
    original: names('volumes', 'a', 'b'),
    patch: { volumes: [{ name: 'c' }, { name: 'a', $patch: 'replace' }, { name: 'b', $patch: 'delete' }] },
    want: names('volumes', 'c'),
  },
  {
    name: 'of a key that the original repeats the first is merged, and the others stay behind it',
    original: { env: [{ name: 'A', value: '1' }, { name: 'B' }, { name: 'A', value: '2' }, { name: 'C' }] },
    patch: { env: [{ name: 'A', value: '3' }] },
    want: { env: [{ name: 'A', value: '3' }, { name: 'A', value: '2' }, { name: 'B' }, { name: 'C' }] },
  },
  {
    name: 'a list without a key is stored without the nulls in it',
    original: { tolerations: [{ key: 'a' }] },
    patch: { tolerations: [{ key: 'b', effect: null }], sources: [{ secret: { name: 'x', optional: null } }] },
    want: { tolerations: [{ key: 'b' }], sources: [{ secret: { name: 'x' } }] },
  },
  {
    name: 'a keyed list can be replaced whole',
    original: names('volumes', 'a', 'b'),
    patch: { volumes: [{ $patch: 'replace' }, { name: 'c' }] },
    want: names('volumes', 'c'),
  },
  {
    name: 'a map can be replaced whole',
    original: { a: { x: 1 } },
    patch: { a: { $patch: 'replace', y: 2 } },
    want: { a: { y: 2 } },
  },
  { name: 'a map can be dropped', original: { a: { x: 1 }, b: 1 }, patch: { a: { $patch: 'delete' } }, want: { b: 1 } },
  {
    name: 'one number with two protocols is two ports',
    original: { ports: [{ containerPort: 53, name: 'udp', protocol: 'UDP' }] },
    patch: { ports: [{ containerPort: 53, name: 'tcp' }] },
    want: {
      ports: [
        { containerPort: 53, name: 'tcp' },
        { containerPort: 53, name: 'udp', protocol: 'UDP' },
      ],
    },
  },
  {
    name: 'another kind of handler replaces',
    original: { preStop: { exec: { command: ['x'] } } },
    patch: { preStop: { httpGet: { port: 1 } } },
    want: { preStop: { httpGet: { port: 1 } } },
  },
  {
    name: 'the same kind of handler merges',
    original: { readinessProbe: { httpGet: { port: 1, path: '/' }, periodSeconds: 2 } },
    patch: { readinessProbe: { httpGet: { port: 3 } } },
    want: { readinessProbe: { httpGet: { port: 3, path: '/' }, periodSeconds: 2 } },
  },
  {
    name: 'finalizers are a set',
    original: { finalizers: ['a', 'b'] },
    patch: { finalizers: ['b', 'c'] },
    want: { finalizers: ['a', 'b', 'c'] },
  },
  {
    name: 'elements of the patch with one key merge with each other',
    original: {},
    patch: {
      env: [
        { name: 'A', value: '1', gone: 2 },
        { name: 'A', value: '3', gone: null },
      ],
    },
    want: { env: [{ name: 'A', value: '3' }] },
  },
  {
    name: 'a list under a name that every object has is a list like any other',
    original: { constructor: ['a'] },
    patch: { constructor: ['b'], new: { toString: ['c'] } },
    want: { constructor: ['b'], new: { toString: ['c'] } },
  },
  {
    name: 'a key __proto__ is a key',
    original: JSON.parse('{"m":{"__proto__":{"a":1}}}') as JsonObject,
    patch: { m: { b: 2 } },
    want: JSON.parse('{"m":{"__proto__":{"a":1},"b":2}}') as JsonObject,
  },
] satisfies readonly { name: string; original: JsonObject; patch: JsonObject; want: JsonObject }[])
  test(name, () => assert.deepEqual(strategicMerge(original, patch), want))

test('an element without its key is an error that says where', () => {
  assert.throws(
    () => strategicMerge({}, { spec: { containers: [{ image: 'x' }] } }),
    (error) => error instanceof MergeError && error.path === 'spec.containers[0]',
  )
})

const containers = fc.uniqueArray(fc.record({ name: fc.string({ minLength: 1 }), image: fc.string() }), {
  selector: (c) => c.name,
  maxLength: 8,
})

test('what is new and has nothing to take out is stored as it is, not copied', () => {
  const container = { name: 'a', args: ['x'], env: [{ name: 'A', value: '1' }], ports: [{ containerPort: 1 }] }
  assert.equal(spec({ containers: [container] }), container)
  assert.deepEqual(spec({ containers: [{ ...container, env: [{ name: 'A', value: null }] }] }), {
    ...container,
    env: [{ name: 'A' }],
  })
})

for (const { name, env, want } of [
  {
    name: 'with one key twice merge',
    env: [
      { name: 'A', value: '1' },
      { name: 'A', x: 1 },
    ],
    want: [{ name: 'A', value: '1', x: 1 }],
  },
  { name: 'that delete are not stored', env: [{ name: 'A', $patch: 'delete' }, { name: 'B' }], want: [{ name: 'B' }] },
  {
    name: 'beside a mark to replace stay',
    env: [
      { name: 'A', $patch: 'replace' },
      { name: 'B', value: null },
    ],
    want: [{ name: 'B' }],
  },
])
  test(`elements of a new list ${name}`, () => {
    assert.deepEqual(spec({ containers: [{ name: 'a', env }] }), { name: 'a', env: want })
  })

/** The first container after a merge of `patch` onto a pod that has none. */
function spec(patch: JsonObject): Json | undefined {
  return objectsOf(objectOr(strategicMerge({}, patch))['containers'])[0]
}

test('merging the same twice is merging it once, and nobody is changed in place', () => {
  fc.assert(
    fc.property(containers, containers, (there, added) => {
      const original = { spec: { containers: there } }
      const patch = { spec: { containers: added } }
      const before = JSON.stringify([original, patch])
      const once = strategicMerge(original, patch) as Json
      assert.deepEqual(new Set(elements(strategicMerge(once, patch))), new Set(elements(once)))
      assert.equal(JSON.stringify([original, patch]), before)
    }),
  )
})

function elements(pod: Json | undefined): readonly string[] {
  const { spec } = pod as { spec: { containers: readonly JsonObject[] } }
  return spec.containers.map((container) => JSON.stringify(container))
}

test('a patch that nests keyed lists without end costs no more than its size', () => {
  const deep = (levels: number): JsonObject =>
    levels === 0 ? { name: 'x', gone: null } : { name: 'x', env: [deep(levels - 1)] }
  const merged = strategicMerge({}, deep(200))
  assert.equal(JSON.stringify(merged).includes('gone'), false)
})
