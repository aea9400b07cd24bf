import type { TSchema } from 'typebox'
import { allowedIn } from '../../src/core/settings/policy-problem.ts'
import { POLICY_SCHEMA } from '../../src/core/settings/policy-schema.ts'
import type { Page } from './page.ts'
import { table } from './page.ts'

interface FieldSchema {
  readonly description?: string
  readonly default?: unknown
  readonly unit?: string
  readonly properties?: Readonly<Record<string, TSchema>>
  readonly items?: TSchema
}

/** docs/policy.md: every field of the policy, from the schema that checks it. */
export const POLICY_PAGE: Page = {
  path: 'docs/policy.md',
  text: async () =>
    await Promise.resolve(
      [
        '# Policy',
        "Sluice's own policy is one YAML or JSON text. What it does not say has its default; an unknown field is refused, as is every value that is not allowed, by the field's path. Made by `npm run generate` from `src/core/settings/policy-schema.ts`.",
        table(['field', 'allowed', 'default', 'meaning'], rowsOf(POLICY_SCHEMA, '')),
        '',
      ].join('\n\n'),
    ),
}

function rowsOf(schema: TSchema, prefix: string): readonly (readonly string[])[] {
  return Object.entries((schema as FieldSchema).properties ?? {}).flatMap(([name, inner]) => {
    const field = inner as FieldSchema
    const path = `${prefix}${name}`
    if (field.description === undefined) return []
    const allowed = [allowedIn(inner) ?? '', ...(field.unit === undefined ? [] : [field.unit])].join('; ')
    const isGroup = field.properties !== undefined && Object.keys(field.properties).length > 0
    const otherwise = field.default === undefined || isGroup ? '' : `\`${JSON.stringify(field.default)}\``
    const row = [`\`${path}\``, isGroup ? '' : allowed, otherwise, field.description]
    return [row, ...rowsOf(inner, `${path}.`), ...(field.items === undefined ? [] : rowsOf(field.items, `${path}[].`))]
  })
}
