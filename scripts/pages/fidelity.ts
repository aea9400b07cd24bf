import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { OwnResults, readDifferences } from '../../test/goldens/intended.ts'
import { judge, type Verdict } from '../../test/goldens/judge.ts'
import { SETS } from '../../test/goldens/sets/sets.ts'
import { type Page, table } from './page.ts'
import { QUIRKS } from './quirks.ts'

const GOLDENS = join(import.meta.dirname, '../../test/goldens')
const WORDS = { kept: 'as Istio', otherwise: 'otherwise', warned: 'warned' } as const

/** docs/fidelity.md: how many of Istio's cases Sluice agrees with, from running them. */
export const FIDELITY_PAGE: Page = {
  path: 'docs/fidelity.md',
  text: async () => await Promise.resolve(text()),
}

function text(): string {
  const judging = {
    intended: readDifferences(readFileSync(join(GOLDENS, 'differences.tsv'), 'utf8')),
    ownResults: new OwnResults(join(GOLDENS, 'expected')),
    update: false,
    byQuirk: false,
  }
  const sets = SETS.filter(({ place }) => existsSync(join(GOLDENS, place))).map((set) => ({
    name: set.name,
    verdicts: set.cases(join(GOLDENS, set.place)).map((golden) => judge(set, golden, judging)),
  }))
  const all = sets.flatMap(({ verdicts }) => verdicts)
  return [
    '# Fidelity',
    'How far Sluice does what Istio does, case by case. `npm run test:goldens` runs the cases; this page is made of the same run by `npm run generate`, and a test proves that it is fresh. Why a difference is meant says [differences-from-istio.md](differences-from-istio.md); our own result of each is checked too.',
    '## Cases',
    table(
      ['set', 'cases', 'passed', 'intended differences', 'failed'],
      [...sets.map(({ name, verdicts }) => row(name, verdicts)), row('**all**', all)],
    ),
    '## Intended differences',
    table(
      ['case', 'no.'],
      [...judging.intended.values()].map(({ name, quirk }) => [`\`${name}\``, quirk]),
    ),
    '## Where Istio’s injector falls short',
    'Each of the known places, and what Sluice does there: as Istio, otherwise, and whether the author of the pod is told.',
    table(
      ['no.', 'what', 'Sluice', 'reason codes'],
      QUIRKS.map(({ what, is, codes = [] }, index) => [
        String(index + 1),
        what,
        is.map((one) => WORDS[one]).join(', '),
        codes.map((code) => `[\`${code}\`](reasons.md#${code})`).join(', '),
      ]),
    ),
    '',
  ].join('\n\n')
}

function row(name: string, verdicts: readonly Verdict[]): readonly string[] {
  const count = (is: Verdict['is']): string => String(verdicts.filter((verdict) => verdict.is === is).length)
  return [name, String(verdicts.length), count('passed'), count('intended'), count('failed')]
}
