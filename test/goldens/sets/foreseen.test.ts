import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { isObject, type Json, objectOr } from '../../../src/core/json/value.ts'
import { readDifferences } from '../intended.ts'
import { SETS } from './sets.ts'

const here = join(import.meta.dirname, '..')
const listed = readDifferences(readFileSync(join(here, 'differences.tsv'), 'utf8'))
const cases = SETS.flatMap((set) => set.cases(join(here, set.place)).map((golden) => ({ set, golden })))

describe('what a quirk foresees', () => {
  const known = cases.filter(({ golden }) => listed.has(golden.name) && golden.foresees !== undefined)

  test('there are known cases to try it on', () => {
    assert.ok(known.length >= 20, `only ${known.length}`)
  })

  for (const { set, golden } of known) {
    test(`${golden.name}: its difference, and none in another place`, () => {
      const lines = set.differences(golden.expected, golden.actual())
      assert.equal(golden.foresees?.(lines), true, lines.join('\n'))
      const more = ['metadata.labels.\'app\': expected "web", got nothing', ...lines]
      assert.equal(golden.foresees(more), false)
    })
  }

  test('a case that shows no quirk explains nothing', () => {
    const plain = cases.find(({ golden }) => golden.name === 'hello')
    assert.ok(plain)
    const broken: Json = { ...objectOr(plain.golden.actual()), injected: { metadata: {}, spec: { containers: [] } } }
    const lines = plain.set.differences(plain.golden.expected, isObject(broken) ? broken : null)
    assert.ok(lines.length > 0)
    assert.equal(plain.golden.foresees?.(lines), false)
  })
})
