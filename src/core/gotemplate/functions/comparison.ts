import { numberOf } from '../print.ts'
import { isMap, isValueList, isTyped, isUnset, kindOf, type Value } from '../value.ts'
import { FunctionProblem } from './function.ts'

/** Go's `eq`, but for kinds that Go refuses to compare: these are just different. Lists and maps cannot be compared. */
export function equal(a: Value, b: Value): boolean {
  if (isUnset(a)) return isZero(b)
  if (isUnset(b)) return isZero(a)
  for (const value of [a, b])
    if (isValueList(value) || isMap(value) || isTyped(value))
      throw new FunctionProblem(`${kindOf(value)} cannot be compared`)
  const [x, y] = [numberOf(a), numberOf(b)]
  if (x !== undefined && y !== undefined) return x === y
  return (a ?? null) === (b ?? null)
}

/** Less than 0, 0 or more than 0; only numbers and strings have an order. */
export function compare(a: Value, b: Value): number {
  const [x, y] = [isUnset(a) ? 0 : numberOf(a), isUnset(b) ? 0 : numberOf(b)]
  if (x !== undefined && y !== undefined) return x - y
  const [left, right] = [isUnset(a) ? '' : a, isUnset(b) ? '' : b]
  if (typeof left === 'string' && typeof right === 'string') return left < right ? -1 : left > right ? 1 : 0
  throw new FunctionProblem(`${kindOf(a)} and ${kindOf(b)} have no order`)
}

function isZero(value: Value): boolean {
  return isUnset(value) || value === '' || value === 0 || value === false || value === null || value === undefined
}
