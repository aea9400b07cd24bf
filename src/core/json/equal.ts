import { isList, isObject, isRawNumber, type Json, type JsonObject } from './value.ts'

/** Are `a` and `b` the same JSON? The order of keys does not count; a number kept as digits equals the same digits only. */
export function deepEqual(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true
  if (isList(a)) return isList(b) && a.length === b.length && a.every((entry, at) => deepEqual(entry, b[at]))
  if (isObject(a)) return isObject(b) && sameEntries(a, b)
  return isRawNumber(a) && isRawNumber(b) && JSON.stringify(a) === JSON.stringify(b)
}

/** A key whose value is undefined is as good as absent. */
function sameEntries(a: JsonObject, b: JsonObject): boolean {
  const keys = presentKeys(a)
  return (
    keys.length === presentKeys(b).length && keys.every((key) => Object.hasOwn(b, key) && deepEqual(a[key], b[key]))
  )
}

/** The keys of `object` that JSON would show. */
export function presentKeys(object: JsonObject): readonly string[] {
  return Object.keys(object).filter((key) => object[key] !== undefined)
}
