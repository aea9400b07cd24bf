/** JSON as the API server sends it. */
type Json = null | boolean | number | string | readonly Json[] | ApiObject

/** An object of the API, or a part of one: raw, so that fields which nobody here knows survive. */
export interface ApiObject {
  readonly [field: string]: Json | undefined
}

/** Is `value` a JSON object? */
export function isApiObject(value: unknown): value is ApiObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** `value` if it is an object, else an empty one. */
export function partOf(value: unknown): ApiObject {
  return isApiObject(value) ? value : {}
}

/** `value` if it is a text, else an empty one. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** `namespace/name` of an object, or its name where its kind has no namespaces; undefined where it has no name. */
export function keyOf(object: ApiObject): string | undefined {
  const { name, namespace } = partOf(object['metadata'])
  if (typeof name !== 'string' || name === '') return undefined
  return typeof namespace === 'string' && namespace !== '' ? `${namespace}/${name}` : name
}
