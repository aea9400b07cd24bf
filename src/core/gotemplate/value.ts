import { isList, isObject, isRawNumber, type Json } from '../json/value.ts'

/**
 * A value of a template: JSON, or a part of a typed object of Go's. undefined is Go's "no value": a key that a map does not
 * have.
 */
export type Value = null | boolean | number | string | undefined | Typed | readonly Value[] | ValueMap
export interface ValueMap {
  readonly [key: string]: Value
}

/** Fields of the Kubernetes and mesh types that are maps: their keys are looked up as they are spelt. */
const MAP_FIELDS: ReadonlySet<string> = new Set([
  'annotations',
  'labels',
  'limits',
  'matchLabels',
  'nodeSelector',
  'overhead',
  'proxyMetadata',
  'requests',
  'volumeAttributes',
])

const STRUCT = Symbol('struct')

/**
 * A part of an object that is a Go struct in Istio's templates: fields have Go's names (`.Spec.ServiceAccountName`), and one that
 * is not set is its type's zero value, which prints as nothing. Known by a symbol, which no JSON can hold.
 */
export interface Typed {
  /** the raw JSON; undefined for a zero value */
  readonly [STRUCT]: Json | undefined
  /** where they are given, the struct has these fields and no others */
  readonly fields?: ValueMap
}

/** A field that is not set. */
export const UNSET: Typed = { [STRUCT]: undefined }

/** A struct of the given fields and no others. */
export function record(fields: ValueMap): Typed {
  return { [STRUCT]: {}, fields }
}

/** Is `value` a part of a typed object? */
export function isTyped(value: Value): value is Typed {
  return typeof value === 'object' && value !== null && STRUCT in value
}

/** Is `value` a field that is not set? */
export function isUnset(value: Value): boolean {
  return isTyped(value) && value[STRUCT] === undefined
}

/** The field with Go's name `name`; also `GetName`. Undefined: there cannot be one. */
export function fieldOf(struct: Typed, name: string): Value {
  if (struct.fields !== undefined) return entryOf(struct.fields, name)
  const json = struct[STRUCT]
  const plain = name.startsWith('Get') && name.length > 3 ? name.slice(3) : name
  if (!/^\p{Lu}/u.test(plain)) return undefined
  const key = jsonName(plain)
  const there = isObject(json) && Object.hasOwn(json, key) ? json[key] : undefined
  return MAP_FIELDS.has(key) && isObject(there) ? there : typed(there)
}

/** `json` as a value of Go's types: scalars are as they are, lists hold typed elements. */
export function typed(json: Json | undefined): Value {
  if (isList(json)) return json.map(typed)
  if (json === undefined || json === null) return UNSET
  return isObject(json) ? { [STRUCT]: json } : json
}

/** `ServiceAccountName` → `serviceAccountName`, `HTTPGet` → `httpGet`, `UID` → `uid`: how Kubernetes spells its fields in JSON. */
function jsonName(name: string): string {
  const capitals = /^\p{Lu}+/u.exec(name)?.[0].length ?? 0
  const lower = capitals === name.length || capitals === 1 ? capitals : capitals - 1
  return name.slice(0, lower).toLowerCase() + name.slice(lower)
}

/** Is `value` a map (not a list, scalar or typed object)? */
export function isMap(value: Value): value is ValueMap {
  return isObject(value) && !isTyped(value)
}

/** Is `value` a list? */
export function isValueList(value: Value): value is readonly Value[] {
  return Array.isArray(value)
}

/** The entry of `map`, or undefined ("no value"). */
export function entryOf(map: ValueMap, key: string): Value {
  return Object.hasOwn(map, key) ? map[key] : undefined
}

/** Go's truth: false, 0, nil and whatever is empty are false; an object of a struct is true. */
export function isTrue(value: Value): boolean {
  if (isTyped(value)) return !isUnset(value)
  if (isValueList(value)) return value.length > 0
  if (isMap(value)) return Object.keys(value).length > 0
  return value !== undefined && value !== null && value !== false && value !== 0 && value !== ''
}

/** A word for the kind of `value`, for messages. */
export function kindOf(value: Value): string {
  if (value === undefined || value === null) return 'nothing'
  if (isTyped(value)) return isUnset(value) ? 'nothing' : 'an object'
  if (isValueList(value)) return 'a list'
  return isMap(value) ? 'a map' : `a ${isRawNumber(value) ? 'number' : typeof value}`
}

/** `value` as JSON: typed objects as what they hold, "no value" as null. */
export function toJson(value: Value): Json {
  if (isTyped(value)) return value[STRUCT] ?? null
  if (isValueList(value)) return value.map(toJson)
  if (isMap(value)) return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, toJson(entry)]))
  return value === undefined ? null : value
}
