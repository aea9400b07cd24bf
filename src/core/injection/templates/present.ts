import type { Json, JsonObject } from '../../json/value.ts'

/** `entries` less those that are undefined: for parts of a template that may be absent. */
export function present(entries: Readonly<Record<string, Json | undefined>>): JsonObject {
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined))
}

/** `list`, or undefined where it is empty. */
export function unlessEmpty(list: readonly Json[]): readonly Json[] | undefined {
  return list.length === 0 ? undefined : list
}

/** `object`, or undefined where it has no entries. */
export function unlessBare(object: JsonObject): JsonObject | undefined {
  return Object.keys(object).length === 0 ? undefined : object
}

/** `number`, or undefined for 0, which the API server reads as not set. */
export function unlessZero(number: number): number | undefined {
  return number === 0 ? undefined : number
}

/** `text`, or undefined where it is empty. */
export function unlessBlank(text: string): string | undefined {
  return text === '' ? undefined : text
}
