import { embeddedJson, stringify } from '../../json/parse.ts'
import { isRawNumber } from '../../json/value.ts'
import { numberOf } from '../print.ts'
import { isMap, isTrue, isValueList, isTyped, isUnset, toJson, type Value } from '../value.ts'
import { number, text } from './arguments.ts'
import { fixed, FunctionProblem, type TemplateFunction, variadic } from './function.ts'

/** Sprig's functions that choose, convert and count. */
export const SPRIG_VALUES: Readonly<Record<string, TemplateFunction>> = {
  default: { min: 1, max: 2, call: ([fallback, value]) => (isTrue(value) ? value : fallback) },
  empty: fixed(1, ([value]) => !isTrue(value)),
  coalesce: variadic(0, (values) => values.find(isTrue) ?? null),
  ternary: fixed(3, ([yes, no, condition]) => (isTrue(condition) ? yes : no)),
  fail: fixed(1, ([problem]) => {
    throw new FunctionProblem(text(problem))
  }),
  kindOf: fixed(1, ([value]) => goKind(value)),
  kindIs: fixed(2, ([kind, value]) => goKind(value) === text(kind)),
  toJson: fixed(1, ([value]) => stringify(toJson(value))),
  toPrettyJson: fixed(1, ([value]) => JSON.stringify(toJson(value), null, 2)),
  fromJson: fixed(1, ([value]) => embeddedJson(text(value)) ?? null),
  b64enc: fixed(1, ([value]) => btoa(String.fromCharCode(...new TextEncoder().encode(text(value))))),
  b64dec: fixed(1, ([value]) => decoded(text(value))),
  int: fixed(1, ([value]) => whole(value)),
  int64: fixed(1, ([value]) => whole(value)),
  float64: fixed(1, ([value]) => real(value)),
  atoi: fixed(1, ([value]) => whole(text(value))),
  add: variadic(0, (values) => values.reduce<number>((sum, value) => sum + whole(value), 0)),
  add1: fixed(1, ([value]) => whole(value) + 1),
  sub: fixed(2, ([a, b]) => whole(a) - whole(b)),
  mul: variadic(1, (values) => values.reduce<number>((product, value) => product * whole(value), 1)),
  div: fixed(2, ([a, b]) => Math.trunc(whole(a) / divisor(b))),
  mod: fixed(2, ([a, b]) => whole(a) % divisor(b)),
  max: variadic(1, (values) => Math.max(...values.map(whole))),
  min: variadic(1, (values) => Math.min(...values.map(whole))),
  ceil: fixed(1, ([value]) => Math.ceil(real(value))),
  floor: fixed(1, ([value]) => Math.floor(real(value))),
  round: fixed(2, ([value, digits]) => Number(real(value).toFixed(Math.min(100, Math.max(0, number(digits)))))),
}

/** Go's kinds of what JSON holds. */
function goKind(value: Value): string {
  if (value === null || value === undefined) return 'invalid'
  if (isTyped(value)) return isUnset(value) ? 'invalid' : 'struct'
  if (isValueList(value)) return 'slice'
  if (isMap(value)) return 'map'
  if (typeof value === 'boolean') return 'bool'
  return typeof value === 'number' || isRawNumber(value) ? 'float64' : 'string'
}

/** Sprig takes text for numbers too, and whatever is none for 0. */
function real(value: Value): number {
  if (typeof value === 'boolean') return value ? 1 : 0
  const found = typeof value === 'string' ? Number(value === '' ? 0 : value) : (numberOf(value) ?? 0)
  return Number.isFinite(found) ? found : 0
}

function whole(value: Value): number {
  return Math.trunc(real(value))
}

function divisor(value: Value): number {
  const found = whole(value)
  if (found === 0) throw new FunctionProblem('division by zero')
  return found
}

function decoded(value: string): string {
  try {
    return new TextDecoder().decode(Uint8Array.from(atob(value), (sign) => sign.charCodeAt(0)))
  } catch {
    throw new FunctionProblem('no base64')
  }
}
