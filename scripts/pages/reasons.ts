import type { ReasonCode } from '../../src/core/vocabulary/reasons.ts'
import { REASONS } from '../../src/core/vocabulary/reasons.ts'
import type { ReasonLevel } from '../../src/core/vocabulary/reasons/reason-row.ts'
import { RETIRED_REASONS } from '../../src/core/vocabulary/reasons/retired.ts'
import type { Page } from './page.ts'
import { table } from './page.ts'

const LEVELS: Readonly<Record<ReasonLevel, readonly [title: string, meaning: string]>> = {
  meshed: ['A mode was chosen', 'The pod joins the mesh.'],
  skip: ['Left alone', 'The pod is not for the mesh, and that is fine.'],
  reject: ['A mode was ruled out', 'Another mode may still be chosen; where none is, a refusal names all of these.'],
  refuse: ['Refused', 'The request is denied.'],
  warn: ['Warned', 'It was done, but a person should know.'],
  alarm: ['Alarm', 'Sluice or its settings need a person.'],
}

/** docs/reasons.md: every reason code, from the same table as all other surfaces. */
export const REASONS_PAGE: Page = {
  path: 'docs/reasons.md',
  text: async () =>
    await Promise.resolve(
      [
        '# Reasons',
        'Every outcome has one code: the same in the command line, the dry-run warning, the annotation `sluice-mesh.io/reason`, the CNI error, the event, the log line, the metric and the audit annotation. A code never changes its meaning. Words in braces are filled in. Made by `npm run generate` from `src/core/vocabulary/reasons`.',
        table(
          ['level', 'meaning', 'codes'],
          levels().map(([level, codes]) => [
            level,
            LEVELS[level][1],
            codes.map((code) => `[\`${code}\`](#${code})`).join(', '),
          ]),
        ),
        ...levels().flatMap(([level, codes]) => [`## ${LEVELS[level][0]}`, ...codes.flatMap(section)]),
        ...(RETIRED_REASONS.length === 0
          ? []
          : ['## Retired', RETIRED_REASONS.map((code) => `\`${code}\``).join(', ')]),
        '',
      ].join('\n\n'),
    ),
}

function levels(): readonly (readonly [ReasonLevel, readonly ReasonCode[]])[] {
  const codes = Object.keys(REASONS) as ReasonCode[]
  return (Object.keys(LEVELS) as ReasonLevel[])
    .map((level) => [level, codes.filter((code) => REASONS[code].level === level).sort()] as const)
    .filter(([, found]) => found.length > 0)
}

function section(code: ReasonCode): readonly string[] {
  const { says, fix } = REASONS[code]
  const sentence = (says as (args: unknown) => string)(PLACEHOLDERS)
  return [`### ${code}`, `${capital(sentence)}.`, ...(fix === null ? [] : [`To do: ${fix}.`])]
}

/** Arguments whose every field is its own name in braces. */
const PLACEHOLDERS = new Proxy({}, { get: (_, name) => `{${String(name)}}` })

function capital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`
}
