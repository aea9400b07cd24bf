import { firstRepeatedKey, isOdd, scan } from './scan.ts'
import { isRawNumber, type Json } from './value.ts'

/**
 * Deeper text is refused. A Pod with everything in it is some twenty levels deep and its managedFields a few more; the
 * bound keeps every recursion over a value far from the end of the stack.
 */
export const MAX_DEPTH = 200

/** A text that is no JSON as Sluice takes it; `message` is one sentence that quotes no value of the text. */
export class JsonError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'JsonError'
  }
}

interface RawJson {
  rawJSON(text: string): Json
}

/**
 * The value of the JSON `text`, kept so that `stringify` gives back what was there:
 * - a number that a double would spell otherwise (beyond 2^53, `1.0`, `1e3`, `-0`) stays as its digits; no guard of
 *   value.ts takes it for a number, so it can only be copied;
 * - `__proto__` is an own key like any other; a lone surrogate survives.
 *
 * Throws `JsonError` where the text is not JSON, is deeper than `MAX_DEPTH`, or holds a key twice in one object. The
 * API server sends neither of the last two; where parsers differ on which of two keys counts, guessing would let a pod be
 * judged by one value and run by the other.
 */
export function parseJson(text: string): Json {
  const { keys, oddNumber, depth } = scan(text)
  if (depth > MAX_DEPTH) throw new JsonError(`is nested more than ${MAX_DEPTH} levels deep`)
  let value: Json
  try {
    value = oddNumber ? (JSON.parse(text, keepOddNumber) as Json) : (JSON.parse(text) as Json)
  } catch (error) {
    throw new JsonError(`is not JSON${position(error)}`)
  }
  if (countKeys(value) !== keys)
    throw new JsonError(`holds the key ${JSON.stringify(firstRepeatedKey(text))} twice in one object`)
  return value
}

/**
 * The value of JSON that somebody wrote into a string, such as an annotation; undefined where it is none that `parseJson`
 * takes. A number that a double cannot hold survives, and nesting is bounded, as in the object around it.
 */
export function embeddedJson(text: string): Json | undefined {
  try {
    return parseJson(text)
  } catch {
    return undefined
  }
}

/** The compact JSON text of `value`; numbers kept as digits come out as these digits. */
export function stringify(value: Json): string {
  return JSON.stringify(value)
}

function keepOddNumber(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  const source = context?.source
  if (typeof value !== 'number' || source === undefined || !isOdd(source)) return value
  return (JSON as unknown as RawJson).rawJSON(source)
}

function countKeys(value: Json | undefined): number {
  if (typeof value !== 'object' || value === null || isRawNumber(value)) return 0
  let count = Array.isArray(value) ? 0 : Object.keys(value).length
  for (const entry of Object.values(value) as (Json | undefined)[]) count += countKeys(entry)
  return count
}

/** V8's own message quotes the text around the fault, which may be somebody's secret: only the place is kept. */
function position(error: unknown): string {
  const at = error instanceof SyntaxError ? /at position (\d+)/.exec(error.message)?.[1] : undefined
  return at === undefined ? '' : ` at position ${at}`
}
