import { embeddedJson } from '../../json/parse.ts'
import { withAnnotations } from '../../json/pod.ts'
import { isObject, type JsonObject, objectsOf, stringOr } from '../../json/value.ts'
import type { Draft, Step } from '../draft.ts'
import { annotation, asRegular, containersOf, LISTS, type ListName, withList, withoutKey } from '../pod-parts.ts'
import { InjectionRefusal } from '../refusal.ts'
import { authorsPod, OVERRIDES_ANNOTATION, type Overrides, previousInjection } from './previous-injection.ts'
import { MergeError, strategicMerge } from './strategic-merge.ts'
import { withoutZeroValues } from './zero-values.ts'

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
    const text = Object.keys(saved).length === 0 ? unapplied(draft.original) : JSON.stringify(saved)
    return { ...draft, pod: withAnnotations(pod, { [OVERRIDES_ANNOTATION]: text }) }
  },
}

/** The annotation as the pod brought it, where no injection has made anything of it; an earlier one's own goes with its containers. */
function unapplied(original: JsonObject): string | undefined {
  const previous = previousInjection(original)
  const isInjectors = LISTS.some(
    (list) =>
      previous.is === 'injected' &&
      previous.overrides[list].some(({ name }) => typeof name === 'string' && previous.status[list].includes(name)),
  )
  return isInjectors ? undefined : annotation(original, OVERRIDES_ANNOTATION)
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
  const saved = savedOverrides(bare)
  const inOrder = [...LISTS.flatMap((list) => saved[list]), ...LISTS.flatMap((list) => containersOf(bare, list))]
  const byName = new Map<string, JsonObject>()
  for (const container of inOrder) {
    const name = stringOr(container['name'])
    if (name !== undefined && !byName.has(name)) byName.set(name, withoutZeroValues(container))
  }
  return byName
}

/** What the annotation `proxy.istio.io/overrides` holds. Throws `InjectionRefusal` where it is no JSON object. */
export function savedOverrides(pod: JsonObject): Overrides {
  const text = annotation(pod, OVERRIDES_ANNOTATION)
  if (text === undefined) return { containers: [], initContainers: [] }
  const value = embeddedJson(text)
  if (!isObject(value)) throw new InjectionRefusal({ code: 'overrides_unreadable', args: {} })
  return { containers: objectsOf(value['containers']), initContainers: objectsOf(value['initContainers']) }
}
