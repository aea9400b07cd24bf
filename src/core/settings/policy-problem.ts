import type { TSchema } from 'typebox'
import type { Value } from 'typebox/value'
import { POLICY_SCHEMA } from './policy-schema.ts'

type SchemaError = ReturnType<typeof Value.Errors>[number]

/** A field's path and what is wrong there, in words for people. */
export interface PolicyProblem {
  readonly field: string
  readonly says: string
}

/** What the checker of the schema found, said by field and by what is allowed there. */
export function problemOf(error: SchemaError): PolicyProblem {
  const path = error.instancePath
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
  const schema = schemaAt(path)
  switch (error.keyword) {
    // reported at the field that is not there
    case 'boolean':
      return {
        field: fieldAt(path),
        says: `is not known; allowed here: ${fieldsOf(schemaAt(path.slice(0, -1))).join(', ')}`,
      }
    case 'required':
      return { field: fieldAt(path), says: `must say ${error.params.requiredProperties.join(', ')}` }
    default:
      return { field: fieldAt(path), says: `must be ${allowedIn(schema) ?? error.message.replace(/^must be /, '')}` }
  }
}

/** `['netAdmin', 'rules', 0]` → `policy.netAdmin.rules[0]` */
export function fieldAt(path: readonly (string | number)[]): string {
  return path.reduce<string>(
    (text, part) => (/^\d+$/.test(String(part)) ? `${text}[${part}]` : `${text}.${part}`),
    'policy',
  )
}

/** What a value may be by its schema, in words; undefined where the checker's own words must do. */
export function allowedIn(schema: TSchema | undefined): string | undefined {
  const at = schema as Readonly<Record<string, unknown>> | undefined
  if (at === undefined) return undefined
  if (typeof at['allowed'] === 'string') return at['allowed']
  if (Array.isArray(at['enum'])) return `one of ${at['enum'].join(', ')}`
  switch (at['type']) {
    case 'array':
      return `a list${countsIn(at)}, each entry ${allowedIn(at['items'] as TSchema) ?? 'of any kind'}`
    case 'boolean':
      return 'true or false'
    case 'number':
      return `a number from ${String(at['minimum'])} to ${String(at['maximum'])}`
    case 'object':
      return `a map of ${fieldsOf(schema).join(', ') || 'fields'}`
    default:
      return undefined
  }
}

function countsIn({ minItems, uniqueItems }: Readonly<Record<string, unknown>>): string {
  return `${minItems === 1 ? ' of at least one' : ''}${uniqueItems === true ? ' without doubles' : ''}`
}

function fieldsOf(schema: TSchema | undefined): readonly string[] {
  return Object.keys((schema as { properties?: object } | undefined)?.properties ?? {})
}

function schemaAt(path: readonly string[]): TSchema | undefined {
  return path.reduce<TSchema | undefined>((schema, part) => {
    const { properties, items } = (schema ?? {}) as { properties?: Record<string, TSchema>; items?: TSchema }
    return properties !== undefined && Object.hasOwn(properties, part) ? properties[part] : items
  }, POLICY_SCHEMA)
}
