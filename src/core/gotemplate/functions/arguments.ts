import { objectOr } from '../../json/value.ts'
import { numberOf } from '../print.ts'
import {
  isMap,
  isValueList,
  isTyped,
  isUnset,
  kindOf,
  toJson,
  type Typed,
  typed,
  type Value,
  type ValueMap,
} from '../value.ts'
import { FunctionProblem } from './function.ts'

/** Arguments as a function needs them; each throws `FunctionProblem` where the value is of another kind. */

export function text(value: Value): string {
  if (typeof value === 'string') return value
  if (isUnset(value)) return ''
  throw new FunctionProblem(`a string is needed, not ${kindOf(value)}`)
}

export function number(value: Value): number {
  const found = numberOf(value)
  if (found !== undefined) return found
  if (isUnset(value)) return 0
  throw new FunctionProblem(`a number is needed, not ${kindOf(value)}`)
}

/** A whole number that can be a length or a place. */
export function count(value: Value): number {
  const found = Math.trunc(number(value))
  if (Number.isSafeInteger(found)) return found
  throw new FunctionProblem('the number is too large')
}

export function list(value: Value): readonly Value[] {
  if (isValueList(value)) return value
  if (value === null || value === undefined || isUnset(value)) return []
  throw new FunctionProblem(`a list is needed, not ${kindOf(value)}`)
}

/** A map; an object of a struct counts by its JSON names, as the functions that take any object see it. */
export function map(value: Value): ValueMap {
  if (isMap(value)) return value
  if (value === null || value === undefined || isUnset(value)) return {}
  if (isTyped(value)) return typedEntries(value)
  throw new FunctionProblem(`a map is needed, not ${kindOf(value)}`)
}

function typedEntries(value: Typed): ValueMap {
  return Object.fromEntries(Object.entries(objectOr(toJson(value))).map(([key, entry]) => [key, typed(entry)]))
}
