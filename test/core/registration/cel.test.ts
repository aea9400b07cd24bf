import assert from 'node:assert/strict'
import { test } from 'node:test'
import { matchesSelector, message, quote, Told } from '../../../src/core/registration/cel.ts'

for (const { text, want } of [
  { text: 'istio-injection', want: "'istio-injection'" },
  { text: "the pod's", want: '"the pod\'s"' },
  { text: 'a"b\\c\nd', want: String.raw`"a\"b\\c\nd"` },
  { text: "') || true || ('", want: '"\') || true || (\'"' },
])
  test(`the text ${JSON.stringify(text)} stays a text in an expression`, () => {
    assert.equal(quote(text), want)
  })

test('a selector becomes an expression over a map of labels, absent labels and all', () => {
  const selector = [
    { key: 'a', operator: 'In', values: ['x', 'y'] },
    { key: 'b', operator: 'NotIn', values: ['z'] },
    { key: 'c', operator: 'Exists', values: [] },
    { key: 'd', operator: 'DoesNotExist', values: [] },
  ] as const
  assert.equal(
    matchesSelector(selector, 'labels'),
    "'a' in labels && labels['a'] in ['x', 'y'] && !('b' in labels && labels['b'] in ['z']) && 'c' in labels && !('d' in labels)",
  )
  assert.equal(matchesSelector([], 'labels'), 'true')
})

test('a message says the sentence of its reason, with the request told in its place, and what to do', () => {
  const label = String(new Told('variables.label'))
  assert.match(
    message({ code: 'opt_out_denied', args: { label, rule: 'optOut' } }),
    /^'sluice: opt_out_denied: ' \+ variables\.label \+ ' opts out of the mesh, .*; to do: /,
  )
})
