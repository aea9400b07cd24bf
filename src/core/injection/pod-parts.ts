import { type Json, type JsonObject, objectOr, objectsOf } from '../json/value.ts'

/** The two lists of a pod in which injection puts containers. */
export const LISTS = ['containers', 'initContainers'] as const
export type ListName = (typeof LISTS)[number]

/** The containers of one list of `pod`. */
export function containersOf(pod: JsonObject, list: ListName): readonly JsonObject[] {
  return objectsOf(objectOr(pod['spec'])[list])
}

/** `pod` with `list` as given; an absent list stays absent rather than becoming an empty one. */
export function withList(pod: JsonObject, list: ListName, containers: readonly JsonObject[]): JsonObject {
  const spec = objectOr(pod['spec'])
  if (containers.length === 0 && spec[list] === undefined) return pod
  return { ...pod, spec: { ...spec, [list]: containers } }
}

/** `pod` with its labels or annotations changed by `change`; empty ones that were absent stay absent. */
export function withMetadata(
  pod: JsonObject,
  field: 'labels' | 'annotations',
  change: (there: JsonObject) => JsonObject,
): JsonObject {
  const metadata = objectOr(pod['metadata'])
  const there = objectOr(metadata[field])
  const changed = change(there)
  if (changed === there || (Object.keys(changed).length === 0 && metadata[field] === undefined)) return pod
  return { ...pod, metadata: { ...metadata, [field]: changed } }
}

/** `object` with `key` set to `value`. */
export function withKey(object: JsonObject, key: string, value: Json): JsonObject {
  return { ...object, [key]: value }
}

/** `object` without `key`; the same object where it has none. */
export function withoutKey(object: JsonObject, key: string): JsonObject {
  return Object.hasOwn(object, key)
    ? Object.fromEntries(Object.entries(object).filter(([name]) => name !== key))
    : object
}
