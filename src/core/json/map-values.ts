import type { Json, JsonObject } from './value.ts'

/**
 * `object` with each value as `change` gives it, undefined for none; the very same object where every value stays, so that what
 * most often changes nothing copies nothing.
 */
export function mapValues(
  object: JsonObject,
  change: (key: string, value: Json | undefined) => Json | undefined,
): JsonObject {
  const keys = Object.keys(object)
  let changed: Record<string, Json> | undefined
  for (const key of keys) {
    const value = change(key, object[key])
    if (changed === undefined) {
      if (value !== undefined && value === object[key]) continue
      changed = {}
      for (const earlier of keys.slice(0, keys.indexOf(key))) put(changed, earlier, object[earlier])
    }
    put(changed, key, value)
  }
  return changed ?? object
}

/** A key `__proto__` is a key like any other; undefined is not stored. */
export function put(object: Record<string, Json>, key: string, value: Json | undefined): void {
  if (value === undefined) return
  if (key === '__proto__')
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
  else object[key] = value
}
