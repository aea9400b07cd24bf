import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ALL_WARNINGS, fitWarnings, LONGEST_WARNING } from '../../../src/core/admission/warnings.ts'

test('warnings that fit pass unchanged', () => assert.deepEqual(fitWarnings(['a', 'ü→…']), ['a', 'ü→…']))

test('control characters, which no header carries, and marks of direction, which disguise, become spaces', () =>
  assert.deepEqual(fitWarnings([' a\r\nb\u0000c\u2028d\u202Ee\n']), ['a b c d e']))

test('a long warning is cut with an ellipsis, never within a character', () => {
  const [cut] = fitWarnings(['x'.repeat(LONGEST_WARNING - 2) + '😀' + 'y'])
  assert.equal(cut?.length, LONGEST_WARNING)
  assert.ok(cut.endsWith('…') && cut.isWellFormed())
})

test('too many warnings end in their number', () => {
  const fitted = fitWarnings(Array.from({ length: 20 }, () => 'x'.repeat(LONGEST_WARNING)))
  assert.equal(fitted.length, 16)
  assert.equal(fitted.at(-1), '5 more warnings do not fit')
})

test('whatever comes in, the limits of the API server hold', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 400 }), { maxLength: 60 }), (warnings) => {
      const fitted = fitWarnings(warnings)
      assert.ok(fitted.every((warning) => warning.length <= LONGEST_WARNING && !/\p{Cc}/u.test(warning)))
      assert.ok(fitted.join('').length <= ALL_WARNINGS)
      assert.ok(fitted.length <= warnings.length)
    }),
  )
})
