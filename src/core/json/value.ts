/**
 * Raw JSON as the API server sent it. The core works on these values, never on typed Kubernetes objects, so that fields
 * which Sluice does not know survive. Values are never changed in place: each step makes a new object.
 *
 * A number that a double cannot hold is kept by the parser as an opaque value (`JSON.rawJSON`): no guard below accepts it,
 * so it is only ever copied.
 */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject

/**
 * An object of raw JSON. A key `__proto__` is an own key like any other, as `JSON.parse`, spread and `{ [key]: … }` make it
 * (`o[key] = …` does not). Where the key comes from outside, ask `Object.hasOwn` or use `stringMap`: `o['constructor']` is
 * never undefined.
 */
export interface JsonObject {
  readonly [key: string]: Json | undefined
}

/** Is `value` a JSON object (not null, a list or an opaque number)? */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isRawNumber(value)
}

/** Is `value` a list? */
export function isList(value: unknown): value is readonly Json[] {
  return Array.isArray(value)
}

/** Is `value` a number too large or too precise for a double, kept as its digits? */
export function isRawNumber(value: unknown): boolean {
  return (JSON as unknown as { isRawJSON(v: unknown): boolean }).isRawJSON(value)
}

/** `value` if it is an object, else an empty one: for optional sub-objects such as `metadata.labels`. */
export function objectOr(value: unknown): JsonObject {
  return isObject(value) ? value : EMPTY_OBJECT
}

/** The objects among `value`'s elements, if it is a list; else an empty list: for `spec.containers` and the like. */
export function objectsOf(value: unknown): readonly JsonObject[] {
  return isList(value) ? value.filter(isObject) : []
}

/** `value` if it is a string, else undefined. */
export function stringOr(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/**
 * The entries of `value` whose value is a string: labels and annotations. It has no property that it was not given. An object without
 * a prototype would take several times the memory: V8 keeps each as a table of its own.
 */
export function stringMap(value: unknown): Readonly<Record<string, string>> {
  const out = Object.create(NO_PROPERTIES) as Record<string, string>
  for (const [key, entry] of Object.entries(objectOr(value))) if (typeof entry === 'string') out[key] = entry
  return out
}

const EMPTY_OBJECT: JsonObject = Object.freeze({})
const NO_PROPERTIES: object = Object.freeze(Object.create(null) as object)
