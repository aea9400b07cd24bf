import { embeddedJson } from '../../json/parse.ts'
import { withAnnotations } from '../../json/pod.ts'
import { isObject, type JsonObject, objectOr, objectsOf, stringOr } from '../../json/value.ts'
import type { Draft, Step } from '../draft.ts'
import { asRegular, containersOf, LISTS, type ListName, withList, withoutKey } from '../pod-parts.ts'
import { InjectionRefusal } from '../refusal.ts'
import { authorsPod, OVERRIDES_ANNOTATION } from './previous-injection.ts'
import { MergeError, strategicMerge } from './strategic-merge.ts'

/**
 * The user's own containers win: what the author says of a container that a template names is merged onto the result
 * once more, and written down so that an injected pod that comes again is treated alike (injector.md §8, quirk 1).
 */
export const OWN_CONTAINERS: Step = {
  name: 'own-containers',
  follows: 'injector.md §8, "The user\'s own containers win"',
  apply: (draft) => {
    const own = authorsContainers(draft.original)
    const applied: Record<ListName, JsonObject[]> = { containers: [], initContainers: [] }
    const pod = LISTS.reduce((soFar, list) => applyTo(soFar, draft, list, own, applied[list]), draft.pod)
    const saved = Object.fromEntries(
      LISTS.filter((list) => applied[list].length > 0).map((list) => [list, applied[list]]),
    )
    // what is left of an author's own annotation has no effect, and would be taken for an injector's the next time
    const text = Object.keys(saved).length === 0 ? undefined : JSON.stringify(saved)
    return { ...draft, pod: withAnnotations(pod, { [OVERRIDES_ANNOTATION]: text }) }
  },
}

function applyTo(
  pod: JsonObject,
  draft: Draft,
  list: ListName,
  own: ReadonlyMap<string, JsonObject>,
  applied: JsonObject[],
): JsonObject {
  const overrides = new Map<unknown, JsonObject>()
  for (const container of containersOf(draft.said, list)) {
    const override = own.get(stringOr(container['name']) ?? '')
    if (override === undefined) continue
    const imaged = override['image'] === 'auto' ? withoutKey(override, 'image') : override
    const wanted = list === 'containers' ? asRegular(imaged) : imaged
    overrides.set(container['name'], wanted)
    applied.push(wanted)
  }
  if (overrides.size === 0) return pod
  return withList(
    pod,
    list,
    containersOf(pod, list).map((container) => {
      const override = overrides.get(container['name'])
      return override === undefined ? container : overridden(container, override, list)
    }),
  )
}

/** Throws `InjectionRefusal` where the author's container has an element that nothing tells apart from the others. */
function overridden(container: JsonObject, override: JsonObject, list: ListName): JsonObject {
  const name = stringOr(container['name']) ?? ''
  try {
    const merged = strategicMerge(container, override, '', `spec.${list}[${name}]`)
    return isObject(merged) ? merged : container
  } catch (error) {
    if (!(error instanceof MergeError)) throw error
    throw new InjectionRefusal({ code: 'own_container_invalid', args: { problem: error.message } })
  }
}

/**
 * The containers as their author wrote them, by name: of the annotation `proxy.istio.io/overrides` first, then of the
 * un-injected pod. Throws `InjectionRefusal` where the annotation is no JSON.
 */
function authorsContainers(original: JsonObject): ReadonlyMap<string, JsonObject> {
  const bare = authorsPod(original)
  const inOrder = [...savedOverrides(bare), ...LISTS.flatMap((list) => containersOf(bare, list))]
  const byName = new Map<string, JsonObject>()
  for (const container of inOrder) {
    const name = stringOr(container['name'])
    if (name !== undefined && !byName.has(name)) byName.set(name, container)
  }
  return byName
}

function savedOverrides(pod: JsonObject): readonly JsonObject[] {
  const text = stringOr(objectOr(objectOr(pod['metadata'])['annotations'])[OVERRIDES_ANNOTATION])
  if (text === undefined) return []
  const value = embeddedJson(text)
  if (!isObject(value)) throw new InjectionRefusal({ code: 'overrides_unreadable', args: {} })
  return LISTS.flatMap((list) => objectsOf(value[list]))
}
