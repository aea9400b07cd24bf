import { isList, isObject, type Json, type JsonObject } from '../json/value.ts'

/** One operation of a JSON Patch (RFC 6902), as far as reading it goes. */
export interface PatchOperation {
  readonly op: string
  readonly path: string
  readonly value?: Json
}

const SIGNS: Readonly<Record<string, string>> = { add: '+', remove: '-', replace: '~' }
const WIDTH = 96

/**
 * A JSON Patch as people read it: one line for each operation, the path in kubectl's spelling, list elements by the name
 * of what stands there in `before`, values shortened. Values of environment variables are never shown.
 */
export function patchWords(patch: readonly PatchOperation[], before: JsonObject): readonly string[] {
  return patch.flatMap((operation) => {
    const sign = SIGNS[operation.op] ?? '?'
    const place = placeOf(operation.path, before)
    if (/\/env\/[^/]+\/value$/.test(operation.path)) return [`${sign} ${place} (not shown)`]
    if (operation.op === 'remove' || operation.value === undefined) return [`${sign} ${place}`]
    return elements(place, operation.value).map(([where, value]) =>
      clip(`${sign} ${where} ${summary(value)}`.trimEnd()),
    )
  })
}

/** A new list of named things reads better as one line for each of them. */
function elements(place: string, value: Json): readonly (readonly [string, Json])[] {
  if (isList(value) && value.length > 0 && value.every((entry) => isObject(entry) && typeof entry['name'] === 'string'))
    return value.map((entry) => [`${place}[]`, entry] as const)
  if (isObject(value) && /(labels|annotations)$/.test(place))
    return Object.entries(value).map(([key, entry]) => [`${place}.${quoteKey(key)}`, entry ?? null] as const)
  return [[place, value]]
}

function placeOf(pointer: string, before: JsonObject): string {
  let here: Json | undefined = before
  let text = ''
  for (const raw of pointer.split('/').slice(1)) {
    const key = raw.replaceAll('~1', '/').replaceAll('~0', '~')
    const inList = isList(here) || (/^(\d+|-)$/.test(key) && !isObject(here))
    here = isList(here) ? here[Number(key)] : isObject(here) ? here[key] : undefined
    text += inList ? `[${nameOf(here) ?? key}]` : `${text === '' ? '' : '.'}${quoteKey(key)}`
  }
  return text
}

function nameOf(value: Json | undefined): string | undefined {
  return isObject(value) && typeof value['name'] === 'string' ? value['name'] : undefined
}

function quoteKey(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : `'${key}'`
}

function summary(value: Json): string {
  if (!isObject(value)) return isList(value) ? `(${value.length} entries)` : JSON.stringify(value)
  const name = nameOf(value)
  if (name === undefined) return `{ ${Object.keys(value).join(', ')} }`
  if (typeof value['image'] === 'string')
    return `${name}  image ${value['image']}${isList(value['args']) ? `, ${value['args'].length} args` : ''}${isList(value['env']) ? `, ${value['env'].length} env` : ''}`
  return `${name}${
    Object.keys(value).length > 1 && !('value' in value)
      ? `  (${Object.keys(value)
          .filter((key) => key !== 'name')
          .join(', ')})`
      : ''
  }`
}

function clip(line: string): string {
  return line.length <= WIDTH ? line : `${line.slice(0, WIDTH - 1)}…`
}
