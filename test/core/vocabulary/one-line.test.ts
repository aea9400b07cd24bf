import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eachLine, escapeUnseen, oneLine } from '../../../src/core/vocabulary/one-line.ts'
import { sentence } from '../../../src/core/vocabulary/reasons.ts'

const HIDDEN: readonly (readonly [string, number, number])[] = [
  ['control characters', 0x00, 0x1f],
  ['more control characters', 0x7f, 0x9f],
  ['the Arabic letter mark', 0x061c, 0x061c],
  ['marks of direction', 0x200e, 0x200f],
  ['separators of lines and paragraphs', 0x2028, 0x2029],
  ['embeddings and overrides of direction', 0x202a, 0x202e],
  ['isolates', 0x2066, 0x2069],
]

for (const [what, first, last] of HIDDEN)
  test(`${what}: a space, and only lines that are meant remain`, () => {
    const all = Array.from({ length: last - first + 1 }, (_, at) => String.fromCodePoint(first + at))
    for (const one of all) {
      assert.equal(oneLine(`a${one}b`), 'a b')
      assert.equal(eachLine(`a${one}b`), one === '\n' ? 'a\nb' : 'a b')
      const escaped = escapeUnseen(`["a${one}b"]`)
      if (one !== '\n') assert.match(escaped, /^\["a\\u[0-9a-f]{4}b"\]$/)
      if (one !== '\n') assert.deepEqual(JSON.parse(escaped), [`a${one}b`])
    }
    assert.equal(oneLine(`a${all.join('')}b`), 'a b')
  })

test('what people write stays, in whatever script', () => {
  for (const text of ['', 'ünï→… 😀', 'שלום عالم', '日本語 नमस्ते', 'e\u0301'])
    assert.deepEqual([oneLine(text), eachLine(text), escapeUnseen(text)], [text, text, text])
})

test('no sentence shows the parts of a pod in another order than they were written', () => {
  const problems = 'x\u202Edekcehc\u202C\n\u2066y'
  assert.equal(
    sentence({ code: 'annotation_invalid', args: { problems } }),
    sentence({ code: 'annotation_invalid', args: { problems: 'x dekcehc y' } }),
  )
})
