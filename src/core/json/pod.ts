import type { JsonObject } from './value.ts'
import { objectOr, objectsOf, stringMap, stringOr } from './value.ts'

/** The labels of an API object; a value that is no string is left out. */
export function labelsOf(object: JsonObject): Readonly<Record<string, string>> {
  return stringMap(objectOr(object['metadata'])['labels'])
}

/** The annotations of an API object; a value that is no string is left out. */
export function annotationsOf(object: JsonObject): Readonly<Record<string, string>> {
  return stringMap(objectOr(object['metadata'])['annotations'])
}

/** The `spec` of an API object, or an empty one. */
export function specOf(object: JsonObject): JsonObject {
  return objectOr(object['spec'])
}

/** Will nothing of the pod run any more? Its network goes, and its address may be somebody else's soon. */
export function hasEnded(pod: JsonObject): boolean {
  const phase = objectOr(pod['status'])['phase']
  return phase === 'Succeeded' || phase === 'Failed'
}

/** A container of a pod and the list that it stands in. */
export interface PodContainer {
  readonly list: 'initContainers' | 'containers' | 'ephemeralContainers'
  readonly name: string
  readonly container: JsonObject
}

const LISTS = ['initContainers', 'containers', 'ephemeralContainers'] as const

/** Every container of a pod, init containers first. */
export function containersOf(pod: JsonObject): readonly PodContainer[] {
  const spec = specOf(pod)
  return LISTS.flatMap((list) =>
    objectsOf(spec[list]).map((container) => ({ list, name: stringOr(container['name']) ?? '', container })),
  )
}

/** `pod` with its annotations replaced by what `change` makes of them; the same object where nothing changes. */
export function withAnnotations(pod: JsonObject, changes: Readonly<Record<string, string | undefined>>): JsonObject {
  return withMetadataMap(pod, 'annotations', changes)
}

/** As `withAnnotations`, for labels. */
export function withLabels(pod: JsonObject, changes: Readonly<Record<string, string | undefined>>): JsonObject {
  return withMetadataMap(pod, 'labels', changes)
}

function withMetadataMap(
  pod: JsonObject,
  map: 'annotations' | 'labels',
  changes: Readonly<Record<string, string | undefined>>,
): JsonObject {
  const metadata = objectOr(pod['metadata'])
  const before = objectOr(metadata[map])
  const isSame = Object.entries(changes).every(
    ([key, value]) => (Object.hasOwn(before, key) ? before[key] : undefined) === value,
  )
  if (isSame) return pod
  // an object that a key was deleted from, or one without a prototype, is slow to copy and to print ever after
  const after = Object.fromEntries(Object.entries({ ...before, ...changes }).filter(([, value]) => value !== undefined))
  return { ...pod, metadata: { ...metadata, [map]: after } }
}
