import type { PatchOperation } from '../../../src/core/admission/patch.ts'
import { isList, isObject, type Json, type JsonObject } from '../../../src/core/json/value.ts'

/** RFC 6902 for the three operations that Sluice uses, written from the text of the RFC: strict about what must exist. */
export function applyPatch(document: JsonObject, patch: readonly PatchOperation[]): Json {
  return patch.reduce<Json>((value, operation) => applyAt(value, pointer(operation.path), operation), document)
}

function pointer(path: string): readonly string[] {
  return path
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function applyAt(value: Json, [key, ...rest]: readonly string[], operation: PatchOperation): Json {
  if (key === undefined) throw new Error('the root is never patched')
  if (isList(value)) {
    const index = Number(key)
    const inserting = rest.length === 0 && operation.op === 'add'
    if (!/^(0|[1-9]\d*)$/.test(key) || index > value.length - (inserting ? 0 : 1)) throw new Error(`no index ${key}`)
    if (inserting) return value.toSpliced(index, 0, operation.value)
    if (rest.length === 0 && operation.op === 'remove') return value.toSpliced(index, 1)
    return value.with(index, changed(value[index] as Json, rest, operation))
  }
  if (!isObject(value)) throw new Error(`${operation.path} leads into a scalar`)
  if (rest.length === 0 && operation.op === 'add') return { ...value, [key]: operation.value }
  if (!Object.hasOwn(value, key)) throw new Error(`no key ${key}`)
  if (rest.length === 0 && operation.op === 'remove')
    return Object.fromEntries(Object.entries(value).filter(([other]) => other !== key))
  return { ...value, [key]: changed(value[key] as Json, rest, operation) }
}

function changed(value: Json, rest: readonly string[], operation: PatchOperation): Json {
  if (rest.length > 0) return applyAt(value, rest, operation)
  if (operation.op !== 'replace') throw new Error('unreachable')
  return operation.value
}
