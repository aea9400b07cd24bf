import { format } from '../format.ts'
import { printed } from '../print.ts'
import { isMap, isTrue, isValueList, isUnset, kindOf, UNSET, type Value } from '../value.ts'
import { count, text } from './arguments.ts'
import { compare, equal } from './comparison.ts'
import { fixed, FunctionProblem, type TemplateFunction, variadic } from './function.ts'

/** Go's own functions. `and` and `or` are evaluated by the interpreter, which stops early; here they are only counted. */
export const GO_FUNCTIONS: Readonly<Record<string, TemplateFunction>> = {
  and: variadic(1, ([value]) => value),
  or: variadic(1, ([value]) => value),
  not: fixed(1, ([value]) => !isTrue(value)),
  eq: variadic(2, ([first, ...others]) => others.some((other) => equal(first, other))),
  ne: fixed(2, ([a, b]) => !equal(a, b)),
  lt: fixed(2, ([a, b]) => compare(a, b) < 0),
  le: fixed(2, ([a, b]) => compare(a, b) <= 0),
  gt: fixed(2, ([a, b]) => compare(a, b) > 0),
  ge: fixed(2, ([a, b]) => compare(a, b) >= 0),
  len: fixed(1, ([value]) => length(value)),
  index: variadic(1, ([value, ...keys]) => keys.reduce<Value>(indexed, value)),
  slice: { min: 1, max: 3, call: ([value, from, to]) => sliced(value, from, to) },
  print: variadic(0, (values) => joined(values)),
  println: variadic(0, (values) => `${values.map(printed).join(' ')}\n`),
  printf: variadic(1, ([layout, ...values]) => format(text(layout), values)),
}

/** Go's `Sprint`: a space between two values of which neither is a string. */
function joined(values: readonly Value[]): string {
  return values
    .map((value, index) => {
      const spaced = index > 0 && typeof value !== 'string' && typeof values[index - 1] !== 'string'
      return `${spaced ? ' ' : ''}${printed(value)}`
    })
    .join('')
}

function length(value: Value): number {
  if (typeof value === 'string') return new TextEncoder().encode(value).length
  if (isValueList(value)) return value.length
  if (isMap(value)) return Object.keys(value).length
  if (isUnset(value)) return 0
  throw new FunctionProblem(`${kindOf(value)} has no length`)
}

function indexed(value: Value, key: Value): Value {
  // the maps that templates index are of strings: a key that is absent is the empty one
  if (isMap(value)) return Object.hasOwn(value, text(key)) ? value[text(key)] : UNSET
  if (isValueList(value)) {
    const at = count(key)
    if (at < 0 || at >= value.length) throw new FunctionProblem(`index ${at} is outside the list of ${value.length}`)
    return value[at]
  }
  if (isUnset(value)) return typeof key === 'string' ? value : outside(key)
  throw new FunctionProblem(`${kindOf(value)} cannot be indexed`)
}

function outside(key: Value): never {
  throw new FunctionProblem(`index ${printed(key)} is outside the empty list`)
}

function sliced(value: Value, from: Value, to: Value): Value {
  if (typeof value !== 'string' && !isValueList(value)) throw new FunctionProblem(`${kindOf(value)} cannot be sliced`)
  const [start, end] = [from === undefined ? 0 : count(from), to === undefined ? value.length : count(to)]
  if (start < 0 || end > value.length || start > end) throw new FunctionProblem(`${start} to ${end} is outside it`)
  return value.slice(start, end)
}
