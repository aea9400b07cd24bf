import { type JsonObject, objectOr, objectsOf, stringOr } from '../json/value.ts'
import type { AnnotationName } from '../vocabulary/annotations.ts'
import type { LabelName } from '../vocabulary/labels.ts'
import { CONTAINERS } from '../vocabulary/names.ts'

/** The two lists of a pod in which injection puts containers. */
export const LISTS = ['containers', 'initContainers'] as const
export type ListName = (typeof LISTS)[number]

/** The value of one annotation that Sluice knows, also when it is empty. */
export function annotation(pod: JsonObject, name: AnnotationName): string | undefined {
  return stringOr(objectOr(objectOr(pod['metadata'])['annotations'])[name])
}

/** The value of one label that Sluice knows. */
export function label(pod: JsonObject, name: LabelName): string | undefined {
  return stringOr(objectOr(objectOr(pod['metadata'])['labels'])[name])
}

/** The containers of one list of `pod`. */
export function containersOf(pod: JsonObject, list: ListName): readonly JsonObject[] {
  return objectsOf(objectOr(pod['spec'])[list])
}

/** `pod` with `list` as given; init containers that are none are absent, or an un-injected pod would differ from a new one. */
export function withList(pod: JsonObject, list: ListName, containers: readonly JsonObject[]): JsonObject {
  const spec = objectOr(pod['spec'])
  if (containers.length > 0 || (list === 'containers' && spec[list] !== undefined))
    return { ...pod, spec: { ...spec, [list]: containers } }
  return spec[list] === undefined ? pod : { ...pod, spec: withoutKey(spec, list) }
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

/** `object` without `key`; the same object where it has none. */
export function withoutKey(object: JsonObject, key: string): JsonObject {
  return Object.hasOwn(object, key)
    ? Object.fromEntries(Object.entries(object).filter(([name]) => name !== key))
    : object
}

/** The `istio-proxy` of `pod`, in whichever list it stands. */
export function proxyOf(pod: JsonObject): JsonObject | undefined {
  return LISTS.flatMap((list) => containersOf(pod, list)).find(isProxy)
}

/** `pod` with each container of `list` as `change` gives it; the same pod where nothing changes. */
export function mapContainers(
  pod: JsonObject,
  list: ListName,
  change: (container: JsonObject) => JsonObject,
): JsonObject {
  const before = containersOf(pod, list)
  const after = before.map(change)
  return after.every((container, index) => container === before[index]) ? pod : withList(pod, list, after)
}

/** `pod` with its `istio-proxy` as `change` gives it. */
export function mapProxy(pod: JsonObject, change: (proxy: JsonObject) => JsonObject): JsonObject {
  return LISTS.reduce(
    (done, list) => mapContainers(done, list, (container) => (isProxy(container) ? change(container) : container)),
    pod,
  )
}

/** `container` with these variables at the end of its environment, less earlier ones of the same names. */
export function withEnv(container: JsonObject, variables: readonly JsonObject[]): JsonObject {
  const names = new Set(variables.map((variable) => variable['name']))
  const kept = objectsOf(container['env']).filter((variable) => !names.has(variable['name']))
  return { ...container, env: [...kept, ...variables] }
}

/**
 * `container` as it may stand among the regular ones: only an init container restarts by a policy of its own, which a
 * user's `istio-proxy` has where it was written for native sidecars (quirk 18).
 */
export function asRegular(container: JsonObject): JsonObject {
  return isProxy(container) ? withoutKey(container, 'restartPolicy') : container
}

function isProxy(container: JsonObject): boolean {
  return container['name'] === CONTAINERS.proxy
}
