import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { readDifferences } from '../goldens/intended.ts'

const page = readFileSync('docs/differences-from-istio.md', 'utf8')
const intended = readDifferences(readFileSync('test/goldens/differences.tsv', 'utf8'))

/** Case to number, as the rows of the page's table give them. */
const onPage = new Map(
  page
    .split('\n')
    .map((line) => /^\| ((?:cni )?\d+) \|.*\| (.*) \|$/.exec(line))
    .flatMap((row) =>
      [...(row?.[2] ?? '').matchAll(/`([^`]+)`/g)].map((found) => [found[1] ?? '', row?.[1] ?? ''] as const),
    ),
)

test('every intended difference stands on the page of differences under its number', () => {
  assert.ok(intended.size > 10)
  assert.deepEqual(
    [...intended.values()].filter(({ name, quirk }) => onPage.get(name) !== quirk),
    [],
  )
})

test('the page names no case that is no intended difference', () => {
  assert.deepEqual(
    [...onPage.keys()].filter((name) => !intended.has(name)),
    [],
  )
})
