import assert from 'node:assert/strict'
import { test } from 'node:test'
import { matches, parseSelector } from '../../../src/core/settings/label-selector.ts'

const expression = (key: string, operator: string, values?: readonly unknown[]): object => ({
  matchExpressions: [values === undefined ? { key, operator } : { key, operator, values }],
})

const MATCHES: readonly (readonly [string, selector: object, labels: Record<string, string>, want: boolean])[] = [
  ['no requirement matches everything', {}, { a: '1' }, true],
  ['matchLabels', { matchLabels: { a: '1' } }, { a: '1', b: '2' }, true],
  ['matchLabels of another value', { matchLabels: { a: '1' } }, { a: '2' }, false],
  ['all of matchLabels', { matchLabels: { a: '1', b: '2' } }, { a: '1' }, false],
  ['an empty value is a value', { matchLabels: { a: '' } }, { a: '' }, true],
  ['an empty value is not absence', { matchLabels: { a: '' } }, {}, false],
  ['In', expression('a', 'In', ['1', '2']), { a: '2' }, true],
  ['In needs the label', expression('a', 'In', ['1', '2']), {}, false],
  ['NotIn', expression('a', 'NotIn', ['1', '2']), { a: '3' }, true],
  ['NotIn of a listed value', expression('a', 'NotIn', ['1', '2']), { a: '1' }, false],
  ['NotIn holds without the label', expression('a', 'NotIn', ['1']), {}, true],
  ['Exists', expression('a', 'Exists'), { a: '' }, true],
  ['Exists needs the label', expression('a', 'Exists'), {}, false],
  ['DoesNotExist', expression('a', 'DoesNotExist'), {}, true],
  ['DoesNotExist refuses the label', expression('a', 'DoesNotExist'), { a: '' }, false],
  ['labels and expressions both hold', { matchLabels: { a: '1' }, ...expression('b', 'Exists') }, { a: '1' }, false],
  ['null is as good as absent', { matchLabels: null, matchExpressions: null }, {}, true],
  ['a key with a prefix', { matchLabels: { 'example.com/a': '1' } }, { 'example.com/a': '1' }, true],
  ['a name that every object has', expression('toString', 'Exists'), {}, false],
]

for (const [name, raw, labels, want] of MATCHES)
  test(`label selector: ${name}`, () => {
    const parsed = parseSelector(raw)
    assert.ok(parsed.is === 'selector', JSON.stringify(parsed))
    assert.equal(matches(parsed.selector, labels), want)
  })

const INVALID: readonly (readonly [raw: unknown, field: string])[] = [
  [null, ''],
  ['a=1', ''],
  [{ matchLabels: ['a'] }, 'matchLabels'],
  [{ matchLabels: { a: 1 } }, 'matchLabels["a"]'],
  [{ matchLabels: { '-a': '1' } }, 'matchLabels["-a"]'],
  [{ matchLabels: { 'a/b/c': '1' } }, 'matchLabels["a/b/c"]'],
  [{ matchLabels: { 'A.b/c': '1' } }, 'matchLabels["A.b/c"]'],
  [{ matchLabels: { ['a'.repeat(64)]: '1' } }, `matchLabels["${'a'.repeat(64)}"]`],
  [{ matchLabels: { a: 'b c' } }, 'matchLabels["a"]'],
  [{ matchExpressions: {} }, 'matchExpressions'],
  [{ matchExpressions: ['a'] }, 'matchExpressions[0]'],
  [expression('', 'Exists'), 'matchExpressions[0].key'],
  [expression('a', 'in', ['1']), 'matchExpressions[0].operator'],
  [expression('a', 'In'), 'matchExpressions[0].values'],
  [expression('a', 'NotIn', []), 'matchExpressions[0].values'],
  [expression('a', 'Exists', ['1']), 'matchExpressions[0].values'],
  [expression('a', 'In', [1]), 'matchExpressions[0].values[0]'],
]

for (const [raw, field] of INVALID)
  test(`an invalid label selector is refused by its field: ${JSON.stringify(raw)}`, () => {
    const parsed = parseSelector(raw)
    assert.ok(parsed.is === 'invalid')
    assert.equal(parsed.field, field)
  })
