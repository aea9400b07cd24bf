import type { Json, JsonObject } from '../json/value.ts'
import { isList, isObject } from '../json/value.ts'
import { SettingsError } from './settings-error.ts'

/**
 * Reads one entry of a settings document; absent and null give the default. Throws `SettingsError` with the path where the
 * type does not fit.
 */
export type Reader<T> = (value: Json | undefined, path: string) => T

/** A text; a number or boolean is taken as its text, since `tag: 1.2` is what people write. */
export function text(otherwise: string): Reader<string> {
  return (value, path) => optionalText(value, path) ?? otherwise
}

/** As `text`, without a default. */
export const optionalText: Reader<string | undefined> = (value, path) => {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'object') throw new SettingsError(path, `must be a text, not ${nameOf(value)}`)
  return String(value)
}

export function flag(otherwise: boolean): Reader<boolean> {
  return (value, path) => optionalFlag(value, path) ?? otherwise
}

const optionalFlag: Reader<boolean | undefined> = (value, path) => {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'boolean') throw new SettingsError(path, `must be true or false, not ${nameOf(value)}`)
  return value
}

/** A whole number from 0; as in proto-JSON, its decimal text is one too. */
export function count(otherwise: number, most = 4294967295): Reader<number> {
  return (value, path) => {
    if (value === undefined || value === null) return otherwise
    const number = typeof value === 'string' && /^\d{1,10}$/.test(value) ? Number(value) : value
    if (typeof number !== 'number' || !Number.isInteger(number) || number < 0 || number > most) {
      throw new SettingsError(path, `must be a whole number from 0 to ${most}, not ${nameOf(value)}`)
    }
    return number
  }
}

/** Whatever it is: for what is judged where it is used. */
export const asGiven: Reader<Json | undefined> = (value) => value ?? undefined

/** A map that is passed on as it is, such as a part of a container. */
export const optionalMap: Reader<JsonObject | undefined> = (value, path) => {
  if (value === undefined || value === null) return undefined
  if (!isObject(value)) throw new SettingsError(path, `must be a map, not ${nameOf(value)}`)
  return value
}

export function map(otherwise: JsonObject): Reader<JsonObject> {
  return (value, path) => optionalMap(value, path) ?? otherwise
}

/** A list whose entries `each` reads; absent is empty. */
export function listOf<T>(each: Reader<T>): Reader<readonly T[]> {
  return (value, path) => {
    if (value === undefined || value === null) return []
    if (!isList(value)) throw new SettingsError(path, `must be a list, not ${nameOf(value)}`)
    return value.map((entry, index) => each(entry, `${path}[${index}]`))
  }
}

/** A map whose values `each` reads; absent is empty. */
export function mapOf<T>(each: Reader<T>): Reader<Readonly<Record<string, T>>> {
  return (value, path) => {
    const out = Object.create(null) as Record<string, T>
    for (const [key, entry] of Object.entries(optionalMap(value, path) ?? {})) out[key] = each(entry, `${path}.${key}`)
    return out
  }
}

/** A map with known entries; others are left alone. */
export function shape<S extends Readonly<Record<string, Reader<unknown>>>>(
  entries: S,
): Reader<{ readonly [K in keyof S]: ReturnType<S[K]> }> {
  const rows = Object.entries(entries)
  return (value, path) => {
    const given = optionalMap(value, path) ?? {}
    return Object.fromEntries(rows.map(([key, read]) => [key, read(given[key], `${path}.${key}`)])) as {
      readonly [K in keyof S]: ReturnType<S[K]>
    }
  }
}

/** `value` as an error message shows it: short, since it may be anything. */
export function nameOf(value: unknown): string {
  if (isList(value)) return 'a list'
  if (isObject(value)) return 'a map'
  const shown = JSON.stringify(value)
  return shown.length > 60 ? `${shown.slice(0, 57)}...` : shown
}
