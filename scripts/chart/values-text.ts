import { stringify } from 'yaml'

/** What of a schema becomes text. */
export interface ValueSchema {
  readonly description?: string
  readonly default?: unknown
  readonly enum?: readonly string[]
  readonly properties?: Readonly<Record<string, ValueSchema>>
}

/** values.yaml: each default under the sentence that says what it means. */
export function valuesText(schema: ValueSchema): string {
  return linesOf(schema, 0).join('\n') + '\n'
}

function linesOf({ properties = {} }: ValueSchema, depth: number): readonly string[] {
  const indent = '  '.repeat(depth)
  return Object.entries(properties).flatMap(([name, field]) => {
    const choices = field.enum === undefined ? '' : ` (${field.enum.join(', ')})`
    const comment = `${indent}# ${field.description ?? ''}${choices}`
    // a value with a default is one, also where its schema has parts
    if (field.default === undefined) return [comment, `${indent}${name}:`, ...linesOf(field, depth + 1)]
    const value = stringify({ [name]: field.default }, { lineWidth: 0 }).trimEnd()
    return [comment, ...value.split('\n').map((line) => `${indent}${line}`)]
  })
}
