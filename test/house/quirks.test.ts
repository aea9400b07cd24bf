import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { QUIRKS } from '../../scripts/pages/quirks.ts'
import { REASONS } from '../../src/core/vocabulary/reasons.ts'

const rows = readFileSync('docs/differences-from-istio.md', 'utf8')
  .split('\n')
  .flatMap((line) => /^\| (\d+) \|/.exec(line)?.[1] ?? [])

test('what Sluice decides otherwise than Istio’s injector stands on the page of differences, and nothing else does', () => {
  assert.equal(QUIRKS.length, 41)
  assert.deepEqual(
    rows.map(Number),
    QUIRKS.flatMap(({ is }, index) => (is.includes('otherwise') ? [index + 1] : [])),
  )
})

test('what is warned of has a reason code of its own, which warns or refuses', () => {
  const codes = QUIRKS.flatMap(({ is, codes = [] }) => {
    assert.equal(codes.length > 0, is.includes('warned'))
    return codes
  })
  assert.equal(new Set(codes).size, codes.length, 'no code is shared')
  for (const code of codes) assert.ok(['warn', 'refuse'].includes(REASONS[code].level), code)
})
