import { deepEqual, presentKeys } from '../json/equal.ts'
import { isList, isObject, type Json, type JsonObject } from '../json/value.ts'
import { align } from './align.ts'

/** One operation of a JSON Patch (RFC 6902). */
export type PatchOperation =
  | { readonly op: 'add' | 'replace'; readonly path: string; readonly value: Json }
  | { readonly op: 'remove'; readonly path: string }

/**
 * The JSON Patch that makes `after` out of `before`, as a reviewer would write it: only what differs appears. Objects are
 * compared key by key. Lists of named objects (containers, volumes, env) are compared by name, other lists by content, so
 * that an inserted element is one `add` and does not rewrite those behind it. Takes time in proportion to the size of
 * both (a list that was reordered: n log n). Applying it to `before` gives `after`, lists in the same order.
 */
export function diff(before: JsonObject, after: JsonObject): readonly PatchOperation[] {
  const patch: PatchOperation[] = []
  diffObjects('', before, after, patch)
  return patch
}

function diffValues(path: string, before: Json, after: Json, patch: PatchOperation[]): void {
  if (before === after) return
  if (isObject(before) && isObject(after)) diffObjects(path, before, after, patch)
  else if (isList(before) && isList(after)) diffLists(path, before, after, patch)
  else if (!deepEqual(before, after)) patch.push({ op: 'replace', path, value: after })
}

function diffObjects(path: string, before: JsonObject, after: JsonObject, patch: PatchOperation[]): void {
  if (before === after) return
  for (const key of presentKeys(before))
    if (valueAt(after, key) === undefined) patch.push({ op: 'remove', path: `${path}/${escape(key)}` })
  for (const key of presentKeys(after)) {
    const old = valueAt(before, key)
    const value = after[key] as Json
    if (old === undefined) patch.push({ op: 'add', path: `${path}/${escape(key)}`, value })
    else diffValues(`${path}/${escape(key)}`, old, value, patch)
  }
}

/**
 * First the elements that go, the last first, so that each index still means what it says; then from the front each
 * element of `after`: by then exactly those before it are in place.
 */
function diffLists(path: string, before: readonly Json[], after: readonly Json[], patch: PatchOperation[]): void {
  const { removed, origin } = align(before, after)
  for (const index of removed.toReversed()) patch.push({ op: 'remove', path: `${path}/${index}` })
  for (const [index, value] of after.entries()) {
    const from = origin[index]
    if (from === undefined) patch.push({ op: 'add', path: `${path}/${index}`, value })
    else diffValues(`${path}/${index}`, before[from] as Json, value, patch)
  }
}

function valueAt(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined
}

/** A key as a part of a JSON Pointer (RFC 6901). */
function escape(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1')
}
