import { isRawNumber } from '../json/value.ts'
import { FunctionProblem } from './functions/function.ts'
import { isMap, isValueList, isTyped, isUnset, type Value } from './value.ts'

/** `value` as Go's `{{ }}` and `%v` print it. Throws `FunctionProblem` for a typed object, which Go would print unreadably. */
export function printed(value: Value): string {
  if (value === undefined) return '<no value>'
  if (value === null) return '<nil>'
  if (typeof value === 'string') return value
  if (typeof value === 'number') return printedNumber(value)
  if (typeof value === 'boolean') return String(value)
  if (isValueList(value)) return `[${value.map(printed).join(' ')}]`
  if (isTyped(value)) {
    if (isUnset(value)) return ''
    throw new FunctionProblem('an object cannot be printed; use toYaml or structToJSON')
  }
  if (isMap(value)) return `map[${entriesText(value)}]`
  return JSON.stringify(value)
}

function entriesText(value: { readonly [key: string]: Value }): string {
  return Object.keys(value)
    .toSorted(byBytes)
    .map((key) => `${key}:${printed(value[key])}`)
    .join(' ')
}

/** As Go prints a float64 by `%v`; whole numbers look like integers up to 21 digits, as in JavaScript. */
function printedNumber(value: number): string {
  const text = Math.abs(value) < 1e-4 && value !== 0 ? value.toExponential() : String(value)
  return text.replace(/e([+-])(\d)$/, 'e$10$2')
}

/** The order in which Go walks and prints maps. */
export function byBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** A number that JSON kept as its digits counts as the number it is nearest to. */
export function numberOf(value: Value): number | undefined {
  if (typeof value === 'number') return value
  return isRawNumber(value) ? Number(JSON.stringify(value)) : undefined
}
