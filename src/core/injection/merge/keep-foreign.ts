import { deepEqual } from '../../json/equal.ts'
import { canonicalQuantity } from '../../json/quantity.ts'
import { isList, isObject, type Json, type JsonObject, objectOr, objectsOf } from '../../json/value.ts'
import type { Step } from '../draft.ts'
import { containersOf, LISTS, withList } from '../pod-parts.ts'
import { previousInjection } from './previous-injection.ts'

/**
 * Keeps what others added to an injected pod before it came again: the API server's defaults, and mounts of volumes that
 * are not ours, such as that of the service account. Without it each reinvocation would take them away (quirk 1).
 */
export const KEEP_FOREIGN: Step = {
  name: 'keep-foreign',
  follows: 'design, "Wish and answer": unchanged, the patch is empty',
  apply(draft) {
    const previous = previousInjection(draft.original)
    if (previous.is !== 'injected') return draft
    const ours = new Set<unknown>(previous.status.volumes)
    const pod = LISTS.reduce((done, list) => {
      const before = byName(containersOf(draft.original, list))
      const containers = containersOf(done, list).map((container) => {
        const there = before.get(container['name'])
        return there === undefined ? container : kept(there, withForeignMounts(container, there, ours))
      })
      return withList(done, list, containers)
    }, draft.pod)
    return { ...draft, pod: withVolumes(pod, byName(objectsOf(objectOr(draft.original['spec'])['volumes']))) }
  },
}

function withVolumes(pod: JsonObject, before: ReadonlyMap<unknown, JsonObject>): JsonObject {
  const spec = objectOr(pod['spec'])
  if (spec['volumes'] === undefined) return pod
  const volumes = objectsOf(spec['volumes']).map((volume) => kept(before.get(volume['name']) ?? volume, volume))
  return { ...pod, spec: { ...spec, volumes } }
}

function byName(elements: readonly JsonObject[]): ReadonlyMap<unknown, JsonObject> {
  return new Map(elements.map((element) => [element['name'], element]))
}

function withForeignMounts(container: JsonObject, there: JsonObject, ours: ReadonlySet<unknown>): JsonObject {
  const mounts = objectsOf(container['volumeMounts'])
  const taken = new Set(mounts.map((mount) => mount['mountPath']))
  const foreign = objectsOf(there['volumeMounts']).filter(
    (mount) => !ours.has(mount['name']) && !taken.has(mount['mountPath']),
  )
  return foreign.length === 0 ? container : { ...container, volumeMounts: [...mounts, ...foreign] }
}

/** `there` where it says all that `wanted` says and adds only defaults to it; else `wanted`. */
function kept(there: JsonObject, wanted: JsonObject): JsonObject {
  return holds(there, wanted) ? there : wanted
}

/** Objects may say more than is wanted, lists may not: an element more or less is somebody's decision, a field a default. */
function holds(there: Json | undefined, wanted: Json | undefined): boolean {
  if (wanted === undefined) return true
  if (isObject(wanted)) {
    if (!isObject(there)) return isEmpty(wanted)
    const more = Object.entries(there).some(
      ([key, value]) => wanted[key] === undefined && isList(value) && value.length > 0,
    )
    return !more && Object.entries(wanted).every(([key, value]) => holds(there[key], value))
  }
  if (isList(wanted)) {
    if (!isList(there)) return wanted.length === 0
    return there.length === wanted.length && wanted.every((element, index) => holds(there[index], element))
  }
  // a default that equals the zero value is dropped on the way: `value: ""`, `initialDelaySeconds: 0`
  if (there === undefined) return wanted === '' || wanted === 0 || wanted === false
  return deepEqual(there, wanted) || deepEqual(canonicalQuantity(there), canonicalQuantity(wanted))
}

function isEmpty(object: JsonObject): boolean {
  return Object.values(object).every((value) => isObject(value) && isEmpty(value))
}
