import type { AnnotationRow } from '../../src/core/vocabulary/annotation-row.ts'
import { ANNOTATIONS } from '../../src/core/vocabulary/annotations.ts'
import { GRAMMARS } from '../../src/core/vocabulary/grammars.ts'
import { LABELS } from '../../src/core/vocabulary/labels.ts'
import type { Page } from './page.ts'
import { table } from './page.ts'

/** docs/annotations.md: every annotation and label, from the table that validation reads too. */
export const ANNOTATIONS_PAGE: Page = {
  path: 'docs/annotations.md',
  text: async () =>
    await Promise.resolve(
      [
        '# Annotations and labels',
        'Made by `npm run generate` from `src/core/vocabulary/annotations.ts` and `labels.ts`. A value marked **checked** must be as allowed, or the pod is refused with every such value named at once; any other is taken as it comes. A name such as `global.proxy.statusPort` is a value of Istio’s chart.',
        '## Annotations',
        rows(ANNOTATIONS),
        '## Labels',
        rows(LABELS),
        '',
      ].join('\n\n'),
    ),
}

function rows(names: Readonly<Record<string, AnnotationRow>>): string {
  const sorted = Object.entries(names).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return table(
    ['name', 'on', 'allowed', 'default', 'effect'],
    sorted.map(([name, row]) => [
      `\`${name}\``,
      row.on.join(', '),
      `${GRAMMARS[row.grammar].allows}${row.otherwise === 'refused' ? ' (**checked**)' : ''}`,
      row.default,
      row.effect,
    ]),
  )
}
