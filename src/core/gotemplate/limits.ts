import { FunctionProblem } from './functions/function.ts'
import { isMap, isValueList, type Value } from './value.ts'

/**
 * A template's text is an administrator's, but what it is rendered from is anybody's. The largest pod that the API server
 * takes is 3 MiB; a template that repeats all of it once stays below these bounds, one that explodes does not.
 */
export const MAX_OUTPUT = 8 * 1024 * 1024
export const MAX_STEPS = 5_000_000
export const MAX_CALLS = 50
const MAX_DEPTH = 200

/**
 * How many parts `value` has. Throws `FunctionProblem` where it is larger or deeper than any result needs to be: lists that
 * hold one another are small in memory and endless in print. A part of the pod itself counts as one.
 */
export function sizeOf(value: Value): number {
  let parts = 0
  let length = 0
  const walk = (part: Value, depth: number): void => {
    parts += 1
    length += typeof part === 'string' ? part.length + 1 : 1
    if (length > MAX_OUTPUT || depth > MAX_DEPTH) throw new FunctionProblem('the result is too large')
    if (isValueList(part)) for (const element of part) walk(element, depth + 1)
    else if (isMap(part)) for (const entry of Object.values(part)) walk(entry, depth + 1)
  }
  walk(value, 0)
  return parts
}
