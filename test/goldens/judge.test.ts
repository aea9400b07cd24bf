import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Json } from '../../src/core/json/value.ts'
import { jsonDifferences } from './comparison/differences.ts'
import type { GoldenCase, GoldenSet } from './golden-set.ts'
import { OwnResults, readDifferences } from './intended.ts'
import { judge, staleRows, type Verdict } from './judge.ts'

const SET: GoldenSet = { name: 'set', place: 'set', cases: () => [], differences: (a, b) => jsonDifferences(a, b) }
const golden = (actual: () => Json): GoldenCase => ({ name: 'one', expected: { is: 'Istio' }, actual })
const row = { name: 'one', quirk: '7', file: 'one.json' }

function inFolder<T>(use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'goldens-'))
  try {
    return use(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function verdict(
  actual: () => Json,
  listed: boolean,
  own?: Json,
  update = false,
): Verdict & { readonly after: Json | undefined } {
  return inFolder((folder) => {
    if (own !== undefined) writeFileSync(join(folder, row.file), JSON.stringify(own))
    const ownResults = new OwnResults(folder)
    const judging = { intended: new Map(listed ? [[row.name, row]] : []), ownResults, update, byQuirk: false }
    return { ...judge(SET, golden(actual), judging), after: ownResults.read(row.file) }
  })
}

test('a case that agrees with Istio passes', () => {
  assert.equal(verdict(() => ({ is: 'Istio' }), false).is, 'passed')
})

test('a case that does not fails, and says where', () => {
  const { is, lines } = verdict(() => ({ is: 'Sluice' }), false)
  assert.deepEqual({ is, lines }, { is: 'failed', lines: ['is: expected "Istio", got "Sluice"'] })
})

test('a throw fails the case and not the run', () => {
  const { is, lines } = verdict(() => {
    throw new Error('broken')
  }, false)
  assert.equal(is, 'failed')
  assert.match(lines[0] ?? '', /broken/)
})

test('an intended difference is checked against our own result', () => {
  assert.equal(verdict(() => ({ is: 'Sluice' }), true, { is: 'Sluice' }).is, 'intended')
  const { is, lines } = verdict(() => ({ is: 'neither' }), true, { is: 'Sluice' })
  assert.equal(is, 'failed')
  assert.deepEqual(lines.slice(1), ['is: expected "Sluice", got "neither"'])
})

test('a difference that a rule of the set foresees is intended, and only as foreseen', () => {
  const by = (own: Json): Verdict['is'] => {
    const judging = { intended: new Map(), ownResults: new OwnResults('none'), update: false, byQuirk: false }
    return judge(SET, { ...golden(() => ({ is: 'Sluice' })), own }, judging).is
  }
  assert.equal(by({ is: 'Sluice' }), 'intended')
  assert.equal(by({ is: 'neither' }), 'failed')
})

test('in another directory a quirk that the input shows explains a difference, in this one a name has to', () => {
  const by = (byQuirk: boolean, foreseen: string): Verdict['is'] => {
    const judging = { intended: new Map(), ownResults: new OwnResults('none'), update: false, byQuirk }
    const foresees = (lines: readonly string[]): boolean => lines.every((line) => line.startsWith(foreseen))
    return judge(SET, { ...golden(() => ({ is: 'Sluice' })), foresees }, judging).is
  }
  assert.equal(by(true, 'is:'), 'intended')
  assert.equal(by(true, 'other:'), 'failed')
  assert.equal(by(false, 'is:'), 'failed')
})

test('an intended difference without our own result fails until it is written', () => {
  assert.equal(verdict(() => ({ is: 'Sluice' }), true).is, 'failed')
  const { is, after } = verdict(() => ({ is: 'Sluice' }), true, undefined, true)
  assert.deepEqual({ is, after }, { is: 'intended', after: { is: 'Sluice' } })
})

test('a listed case that agrees with Istio again is stale', () => {
  const { is, lines } = verdict(() => ({ is: 'Istio' }), true, { is: 'Istio' })
  assert.equal(is, 'failed')
  assert.match(lines[0] ?? '', /^stale/)
})

test('a row without a case and a result without a row are stale', () => {
  const names = inFolder((folder) => {
    writeFileSync(join(folder, 'lonely.json'), '{}')
    const judging = {
      intended: new Map([[row.name, row]]),
      ownResults: new OwnResults(folder),
      update: false,
      byQuirk: false,
    }
    return staleRows(judging, new Set(['another'])).map(({ name }) => name)
  })
  assert.deepEqual(names, ['one', 'expected/lonely.json'])
})

test('the table of differences is read strictly', () => {
  assert.deepEqual([...readDifferences('name\tquirk\tfile\none\t7\tone.json\n').values()], [row])
  for (const bad of ['one\t7\tone.json', 'name\tquirk\tfile\none\t7', 'name\tquirk\tfile\none\t7\ta\none\t7\tb'])
    assert.throws(() => readDifferences(bad), /differences\.tsv/)
})
