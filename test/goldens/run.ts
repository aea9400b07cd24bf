/**
 * `npm run test:goldens [-- [--update] [--verbose] [NAME…]]`: Istio's cases through the product's own functions. Cases come from the
 * directory SLUICE_GOLDENS, else from this folder; with NAMEs only those whose name begins so. `--update` writes our own
 * results of intended differences anew. Exit 0 if nothing failed and something was looked at.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { OwnResults, readDifferences } from './intended.ts'
import { judge, staleRows, type Verdict } from './judge.ts'
import { SETS } from './sets/sets.ts'

const LINES_PER_CASE = 25

const here = import.meta.dirname
const { values: flags, positionals: prefixes } = parseArgs({
  allowPositionals: true,
  options: { update: { type: 'boolean', default: false }, verbose: { type: 'boolean', default: false } },
})
const given = process.env['SLUICE_GOLDENS']
const directory = given === undefined || given === '' ? here : resolve(given)
const judging = {
  intended: readDifferences(readFileSync(join(here, 'differences.tsv'), 'utf8')),
  ownResults: new OwnResults(join(here, 'expected')),
  update: flags.update,
  byQuirk: directory !== here,
}

const present = SETS.filter(({ place }) => existsSync(join(directory, place)))
const all = present.flatMap((set) => set.cases(join(directory, set.place)).map((golden) => ({ set, golden })))
const chosen = all.filter(
  ({ golden }) => prefixes.length === 0 || prefixes.some((prefix) => golden.name.startsWith(prefix)),
)
const verdicts = chosen.map(({ set, golden }) => judge(set, golden, judging))
const whole = directory === here && prefixes.length === 0
const stale = whole ? staleRows(judging, new Set(all.map(({ golden }) => golden.name))) : []

for (const verdict of [...verdicts, ...stale]) if (verdict.is === 'failed') process.stdout.write(failure(verdict))
for (const set of SETS) {
  const of = verdicts.filter((verdict) => verdict.set === set.name)
  const line = present.includes(set) ? counts(of) : `left out: no ${set.place} in ${directory}`
  process.stdout.write(`${set.name.padEnd(20)} ${line}\n`)
}

const total = [...verdicts, ...stale]
process.stdout.write(`${counts(total)}\n`)
process.exitCode = total.length > 0 && total.every(({ is }) => is !== 'failed') ? 0 : 1

function failure({ set, name, lines }: Verdict): string {
  const shown = flags.verbose ? lines : lines.slice(0, LINES_PER_CASE)
  const rest = lines.length - shown.length
  const more = rest === 0 ? '' : `    … ${rest} more (--verbose shows them)\n`
  return `failed: ${name} (${set})\n${shown.map((line) => `    ${line}\n`).join('')}${more}`
}

function counts(of: readonly Verdict[]): string {
  const count = (is: Verdict['is']): number => of.filter((verdict) => verdict.is === is).length
  return `${count('passed')} passed, ${count('failed')} failed, ${count('intended')} intended`
}
