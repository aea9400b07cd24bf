import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseYaml } from '../../../src/core/settings/yaml.ts'

const CASES: readonly (readonly [string, string, unknown])[] = [
  ['YAML 1.1 knows yes, on and y', 'a: yes\nb: on\nc: n', { a: true, b: true, c: false }],
  ['no sexagesimal numbers', 'a: 1:30', { a: '1:30' }],
  ['no dates', 'a: 2001-01-01', { a: '2001-01-01' }],
  ['no binary', 'a: !!binary aGk=', { a: 'aGk=' }],
  ['the last of two equal keys counts', 'a: 1\na: 2', { a: 2 }],
  ['JSON is YAML', '{"a":[1,{"b":null}]}', { a: [1, { b: null }] }],
  ['flow style that is no JSON is YAML', '{a: b}', { a: 'b' }],
  ['of several documents the first counts', '---\na: b\n---\nc: d', { a: 'b' }],
  ['nothing is null', '', null],
]

for (const [name, text, want] of CASES)
  test(`as Istio reads it: ${name}`, () => assert.deepEqual(parseYaml(text), want))

test('a key __proto__ is a key like any other', () => {
  assert.deepEqual(Object.keys(parseYaml('__proto__: {a: 1}') as object), ['__proto__'])
  assert.deepEqual(Object.keys(parseYaml('{"__proto__":{"a":1}}') as object), ['__proto__'])
})

for (const text of ['a: [', `a: &a [${'x,'.repeat(50)}]\nb: &b [${'*a,'.repeat(50)}]\nc: [${'*b,'.repeat(50)}]`])
  test(`refused: ${text.slice(0, 20)}`, () => assert.throws(() => parseYaml(text)))

for (const [text, why] of [
  ['a: &a [*a]', /an alias stands for what it is a part of/],
  ['a: &a {b: &b [x, {c: *a}]}', /an alias stands for what it is a part of/],
  [`{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, /nested more than 200 levels deep/],
  [`a: ${'['.repeat(201)}${']'.repeat(201)}`, /nested more than 200 levels deep/],
] as const)
  test(`refused, since nothing could walk through it: ${text.slice(0, 30)}`, () =>
    assert.throws(() => parseYaml(text), { name: 'RangeError', message: why }))

test('an alias may stand in many places beside what it stands for', () => {
  assert.deepEqual(parseYaml('a: &a [x]\nb: [*a, *a]\nc: {d: *a}'), { a: ['x'], b: [['x'], ['x']], c: { d: ['x'] } })
})
