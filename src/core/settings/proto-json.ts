import type { Json, JsonObject } from '../json/value.ts'
import { isList, isObject } from '../json/value.ts'
import { SettingsError } from './settings-error.ts'
import { nameOf } from './reader.ts'

/** A field's type in a protobuf message; a wrapper (`BoolValue`…) tells "not set" from its zero. */
export type ProtoKind =
  | 'string'
  | 'bool'
  | 'int32'
  | 'uint32'
  | 'double'
  | 'duration'
  | 'BoolValue'
  | 'Int32Value'
  | 'UInt32Value'
  | 'Int64Value'
  /** passed on as it is */
  | 'any'
  /** the first name is the zero, which counts as not set unless the field is one of a choice (`oneof`) */
  | { readonly enum: readonly string[]; readonly ofChoice?: true }
  | { readonly list: ProtoKind }
  | { readonly map: ProtoKind }
  | { readonly message: ProtoFields }

/** The fields of a message by their JSON name. */
export type ProtoFields = Readonly<Record<string, ProtoKind>>

/** What reading a message gave; unknown keys are no error (Istio ignores them), but somebody may want to know. */
export interface ProtoReading {
  readonly message: JsonObject
  /** paths of the keys that the message does not have */
  readonly unknown: readonly string[]
  /** fields of the message itself that were given their zero, which is the same as not giving them */
  readonly zeros: readonly string[]
}

const INT_LIMITS = {
  int32: [-2147483648, 2147483647],
  uint32: [0, 4294967295],
} as const
const DURATION = /^(-?)(\d{1,12})(?:\.(\d{1,9}))?s$/
const INT64 = /^-?\d{1,19}$/

/**
 * `value` as the canonical JSON of a protobuf message: fields that have their zero are absent, field names are
 * lowerCamelCase, durations have 0, 3, 6 or 9 decimals. Throws `SettingsError` where a type does not fit.
 */
export function readMessage(value: JsonObject, fields: ProtoFields, path: string): ProtoReading {
  const unknown: string[] = []
  const read = message(value, fields, path, unknown)
  const given = Object.keys(value).filter((key) => value[key] !== null && value[key] !== undefined)
  const zeros = given
    .map((key) => fieldName(key, fields))
    .filter((name) => Object.hasOwn(fields, name) && !Object.hasOwn(read, name))
  return { message: read, unknown, zeros }
}

function message(value: JsonObject, fields: ProtoFields, path: string, unknown: string[]): JsonObject {
  const out: Record<string, Json> = {}
  for (const [key, entry] of Object.entries(value)) {
    const name = fieldName(key, fields)
    const kind = Object.hasOwn(fields, name) ? fields[name] : undefined
    const where = path === '' ? key : `${path}.${key}`
    if (kind === undefined) unknown.push(where)
    else if (entry !== null && entry !== undefined) {
      const read = field(entry, kind, where, unknown)
      if (read !== undefined) out[name] = read
    }
  }
  return out
}

/** The canonical JSON of one field, or undefined where it has its zero. */
function field(value: Json, kind: ProtoKind, path: string, unknown: string[]): Json | undefined {
  switch (kind) {
    case 'any':
      return value
    case 'string':
      if (typeof value !== 'string') throw misfit(path, 'a text', value)
      return value === '' ? undefined : value
    case 'bool':
    case 'BoolValue':
      if (typeof value !== 'boolean') throw misfit(path, 'true or false', value)
      return value || kind === 'BoolValue' ? value : undefined
    case 'int32':
    case 'uint32':
      return whole(value, kind, path) || undefined
    case 'Int32Value':
      return whole(value, 'int32', path)
    case 'UInt32Value':
      return whole(value, 'uint32', path)
    case 'Int64Value':
      if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value)
      if (typeof value === 'string' && INT64.test(value)) return value
      throw misfit(path, 'a whole number', value)
    case 'double': {
      const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
      if (typeof number !== 'number' || Number.isNaN(number)) throw misfit(path, 'a number', value)
      return number === 0 ? undefined : number
    }
    case 'duration':
      return duration(value, path)
    default:
      return composite(value, kind, path, unknown)
  }
}

function composite(value: Json, kind: Exclude<ProtoKind, string>, path: string, unknown: string[]): Json | undefined {
  if ('enum' in kind) {
    const name = typeof value === 'number' ? kind.enum[value] : value
    if (typeof name !== 'string' || !kind.enum.includes(name))
      throw misfit(path, `one of ${kind.enum.join(', ')}`, value)
    return name === kind.enum[0] && kind.ofChoice !== true ? undefined : name
  }
  if ('list' in kind) {
    if (!isList(value)) throw misfit(path, 'a list', value)
    const items = value.map((item, index) => field(item, kind.list, `${path}[${index}]`, unknown) ?? item)
    return items.length === 0 ? undefined : items
  }
  if (!isObject(value)) throw misfit(path, 'a map', value)
  if ('message' in kind) return message(value, kind.message, path, unknown)
  const out = Object.create(null) as Record<string, Json>
  for (const [key, entry] of Object.entries(value)) {
    if (entry === undefined) continue
    out[key] = field(entry, kind.map, `${path}.${key}`, unknown) ?? entry
  }
  return Object.keys(out).length === 0 ? undefined : out
}

function whole(value: Json, kind: keyof typeof INT_LIMITS, path: string): number {
  const number = typeof value === 'string' && /^-?\d{1,10}$/.test(value) ? Number(value) : value
  const [least, most] = INT_LIMITS[kind]
  if (typeof number !== 'number' || !Number.isInteger(number) || number < least || number > most) {
    throw misfit(path, `a whole number from ${least} to ${most}`, value)
  }
  return number
}

function duration(value: Json, path: string): string {
  const parts = typeof value === 'string' ? DURATION.exec(value) : null
  if (parts === null) throw misfit(path, 'a number of seconds such as 45s or 1.5s', value)
  const [, sign = '', seconds = '0', decimals = ''] = parts
  const significant = decimals.replace(/0+$/, '')
  const fraction = significant.padEnd(Math.ceil(significant.length / 3) * 3, '0')
  return `${sign}${BigInt(seconds)}${fraction === '' ? '' : `.${fraction}`}s`
}

/** The name of the field that `key` means: as it is, or written in snake case. */
function fieldName(key: string, fields: ProtoFields): string {
  return Object.hasOwn(fields, key) ? key : key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

function misfit(path: string, wanted: string, value: Json): SettingsError {
  return new SettingsError(path, `must be ${wanted}, not ${nameOf(value)}`)
}
