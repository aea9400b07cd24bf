import { type CheckId, CHECKS, type CheckRow } from '../../src/core/vocabulary/checks.ts'
import { type Page, table } from './page.ts'

const WHEN: Readonly<Record<CheckRow['stage'], string>> = {
  before: 'before an installation (`--pre`)',
  always: 'before and after',
  after: 'where Sluice is installed',
}

/** docs/checks.md: every check of `sluice check`, under the name that the command prints. */
export const CHECKS_PAGE: Page = {
  path: 'docs/checks.md',
  text: async () =>
    await Promise.resolve(
      [
        '# Checks',
        '`sluice check --pre` says whether Sluice can be installed, `sluice check` whether all is well where it is. Both only read, apart from one pod that is created as a dry run. The names are stable. What could not be read is unknown: exit code 4, never 0. Made by `npm run generate` from `src/core/vocabulary/checks.ts`.',
        table(
          ['check', 'what is so when all is well', 'when'],
          ids().map((id) => [`[\`${id}\`](#${id})`, CHECKS[id].title, WHEN[CHECKS[id].stage]]),
        ),
        ...ids().flatMap(section),
        '',
      ].join('\n\n'),
    ),
}

function ids(): readonly CheckId[] {
  return Object.keys(CHECKS) as CheckId[]
}

function section(id: CheckId): readonly string[] {
  const { title, why, fix } = CHECKS[id]
  return [`## ${id}`, `${capital(title)}. Why: ${why}.`, `To do: ${fix}.`]
}

function capital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`
}
