import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { ReasonCode } from '../../src/core/vocabulary/reasons.ts'
import { REASONS } from '../../src/core/vocabulary/reasons.ts'
import { DECISION_REASONS } from '../../src/core/vocabulary/reasons/decision.ts'
import type { ReasonRow } from '../../src/core/vocabulary/reasons/reason-row.ts'
import { RETIRED_REASONS } from '../../src/core/vocabulary/reasons/retired.ts'

const codes = Object.keys(REASONS) as ReasonCode[]
const ROOM = new URL('../../src/core/vocabulary/reasons/', import.meta.url)

/** The codes of each table file: a second row of one code would hide the first where the tables are joined. */
async function codesByFile(): Promise<readonly string[]> {
  const found: string[] = []
  for (const file of readdirSync(ROOM)) {
    const tables = (await import(new URL(file, ROOM).href)) as Readonly<Record<string, unknown>>
    for (const [name, table] of Object.entries(tables))
      if (name.endsWith('_REASONS') && !Array.isArray(table)) found.push(...Object.keys(table as object))
  }
  return found
}

test('no reason code stands twice, and none that was retired comes back', async () => {
  const found = await codesByFile()
  assert.ok(found.length > 40, `${found.length} codes`)
  assert.deepEqual([...found].sort(), [...codes].sort())
  assert.deepEqual(
    RETIRED_REASONS.filter((code) => (codes as readonly string[]).includes(code)),
    [],
  )
})

test('a reason reads as a sentence of its own: snake_case code, lower case first, no full stop', () => {
  const args = new Proxy({}, { get: () => 'x' })
  for (const code of codes) {
    const { says, fix }: ReasonRow = REASONS[code]
    const sentence = (says as (args: unknown) => string)(args)
    assert.match(code, /^[a-z]+(_[a-z]+)+$/, code)
    for (const text of fix === null ? [sentence] : [sentence, fix])
      assert.doesNotMatch(text, /\.$|\n|^\s|undefined/, `${code}: ${text}`)
    assert.match(sentence, /^(?:[a-z]|[A-Z_]{2,} |Pod Security )/, `${code}: ${sentence}`)
  }
})

test('every reason that refuses, rules out or warns says what to do, unless a person asked for it', () => {
  const ASKED_FOR: readonly ReasonCode[] = [
    'wish_otherwise',
    'family_by_labels',
    'family_by_need',
    'family_by_policy',
    'ambient_opt_out',
  ]
  const silent = codes.filter((code) => {
    const { level, fix }: ReasonRow = REASONS[code]
    return fix === null && level !== 'meshed' && level !== 'skip' && !ASKED_FOR.includes(code)
  })
  assert.deepEqual(silent, [])
})

test('every reason of a decision is produced by a test', () => {
  const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', 'test'], {
    encoding: 'utf8',
  })
    .trim()
    .split('\n')
    .filter((file) => file.endsWith('.ts') && !file.startsWith('test/house/'))
  assert.ok(files.length > 30, `${files.length} tests`)
  const text = files.map((file) => readFileSync(file, 'utf8')).join('\n')
  const missing = Object.keys(DECISION_REASONS).filter((code) => !new RegExp(`\\b${code}\\b`).test(text))
  assert.deepEqual(missing, [])
})
