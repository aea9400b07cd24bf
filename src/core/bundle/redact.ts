import { isList, isObject, type Json, type JsonObject } from '../json/value.ts'

/** What stands in the place of everything that may be a secret. */
export const REDACTED = 'REDACTED'

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'

/** Texts that are secrets wherever they stand: what is found is replaced, what is around it stays. */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g, REDACTED],
  // a JSON Web Token
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]*/g, REDACTED],
  [/\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi, `$1 ${REDACTED}`],
  // the user of a URL
  [/(:\/\/)[^/\s:@"']+:[^/\s@"']+@/g, `$1${REDACTED}@`],
  [
    /([\w.-]*(?:password|passwd|secret|token|credential|api[-_]?key|access[-_]?key|private[-_]?key)[\w.-]*["']?\s*[:=]\s*)("[^"]*"|'[^']*'|[^\s,;}"']+)/gi,
    `$1${REDACTED}`,
  ],
]

/** A text without what looks like a secret. */
export function redactText(text: string): string {
  return PATTERNS.reduce((rest, [pattern, instead]) => rest.replaceAll(pattern, instead), text)
}

/**
 * An API object that may be shown to strangers: no value of an environment variable, no copy of the object in an annotation,
 * nothing that looks like a secret. Throws for a Secret: nobody may have read one.
 */
export function redact(object: JsonObject): JsonObject {
  if (object['kind'] === 'Secret') throw new Error('a Secret has no place in a bundle')
  return redactObject(object)
}

function redactObject(object: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(object).flatMap(([key, value]): readonly (readonly [string, Json])[] => {
      if (value === undefined || key === 'managedFields' || key === LAST_APPLIED) return []
      return [[key, key === 'env' && isList(value) ? value.map(withoutValue) : redactJson(value)]]
    }),
  )
}

/** Every value, whatever its name: who is to say which of them are secret? */
function withoutValue(variable: Json): Json {
  return isObject(variable) && variable['value'] !== undefined ? { ...variable, value: REDACTED } : variable
}

function redactJson(value: Json): Json {
  if (typeof value === 'string') return redactText(value)
  if (isList(value)) return value.map(redactJson)
  return isObject(value) ? redactObject(value) : value
}
