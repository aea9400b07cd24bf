import { embeddedJson } from '../json/parse.ts'
import { isObject, type Json, type JsonObject } from '../json/value.ts'
import { ambientFields, type Fields, namesOf, readField, sidecarFields } from './fields.ts'
import { quoted } from './grammar.ts'
import {
  type AmbientIntent,
  BARE_SIDECAR,
  type Intent,
  type IntentResult,
  type NoIntent,
  PLAIN_AMBIENT,
  type SidecarIntent,
} from './intent.ts'
import { IntentRefusal, readIntent } from './refusal.ts'

/**
 * The annotation `sluice-mesh.io/intent`: what the webhook writes and the agent reads. One line of JSON: the version, the kind,
 * and each field that is not as Istio's tool has it by itself, in the very words of Istio's annotations. What a version leaves
 * out never changes its meaning: a new default is a new version.
 */
const VERSION = 1

const SIDECAR = sidecarFields('refused')
const AMBIENT = ambientFields('refused')

/** `intent` as the text of the annotation. */
export function encodeIntent(intent: Intent): string {
  return JSON.stringify({ v: VERSION, kind: intent.kind, ...written(intent) })
}

function written(intent: Intent): Readonly<Record<string, string>> {
  switch (intent.kind) {
    case 'sidecar':
      return changed(SIDECAR, intent, BARE_SIDECAR)
    case 'ambient':
      return changed(AMBIENT, intent, PLAIN_AMBIENT)
    case 'none':
      return {}
  }
}

/**
 * The intent that the annotation's `text` says. Refused where it is no such text, of another version, or has a field that this
 * version does not know: what is half understood is not applied.
 */
export function decodeIntent(text: string): Exclude<IntentResult, { is: 'skip' }> {
  return readIntent(() => decoded(text)) as Exclude<IntentResult, { is: 'skip' }>
}

function decoded(text: string): Intent {
  const { v, kind, ...said } = parsed(text)
  if (v !== VERSION)
    throw new IntentRefusal({
      code: 'intent_version',
      args: { version: quoted(JSON.stringify(v ?? null)), known: VERSION },
    })
  switch (kind) {
    case 'sidecar':
      return withSaid<SidecarIntent>(SIDECAR, BARE_SIDECAR, said)
    case 'ambient':
      return withSaid<AmbientIntent>(AMBIENT, PLAIN_AMBIENT, said)
    case 'none':
      return withSaid<NoIntent>({}, { kind: 'none' }, said)
    default:
      throw unreadable('kind', 'is none of sidecar, ambient, none')
  }
}

function parsed(text: string): JsonObject {
  const value = embeddedJson(text)
  if (value === undefined) throw unreadable('the annotation', 'is not JSON')
  if (!isObject(value)) throw unreadable('the annotation', 'is not a JSON object')
  return value
}

/** The fields whose text differs from that of `base`, in the order of the table. */
function changed<T>(fields: Fields<T>, intent: T, base: T): Readonly<Record<string, string>> {
  const texts = namesOf(fields).map((name) => [name, fields[name].print(intent[name]), fields[name].print(base[name])])
  return Object.fromEntries(texts.filter(([, text, plain]) => text !== plain)) as Readonly<Record<string, string>>
}

function withSaid<T>(fields: Fields<T>, base: T, said: JsonObject): T {
  const values = Object.entries(said).map(([key, text]: readonly [string, Json | undefined]) => {
    const name = namesOf(fields).find((known) => known === key)
    if (name === undefined) throw unreadable(quoted(key), 'is a field that this version does not know')
    if (typeof text !== 'string') throw unreadable(key, 'is not a text')
    return readField(fields, name, text, key)
  })
  return Object.assign({}, base, ...values) as T
}

function unreadable(field: string, problem: string): IntentRefusal {
  return new IntentRefusal({ code: 'intent_invalid', args: { field, problem } })
}
