import { embeddedJson } from '../../json/parse.ts'
import { isList, isObject, type Json, type JsonObject, objectOr, objectsOf, stringOr } from '../../json/value.ts'
import { CONTAINERS, INJECTION_MARKS } from '../../vocabulary/names.ts'
import { containersOf, LISTS, type ListName, proxyOf, withList, withMetadata, withoutKey } from '../pod-parts.ts'
import { restoreProbes } from '../probes.ts'
import { restoreMetrics } from '../prometheus.ts'

export const STATUS_ANNOTATION = 'sidecar.istio.io/status'
export const OVERRIDES_ANNOTATION = 'proxy.istio.io/overrides'

/** The names that an earlier injection wrote into the annotation `sidecar.istio.io/status` (injector.md §8). */
export interface InjectionStatus {
  readonly containers: readonly string[]
  readonly initContainers: readonly string[]
  readonly volumes: readonly string[]
}

/** The user's own settings of containers that templates name, as an earlier injection saved them. */
export type Overrides = Readonly<Record<ListName, readonly JsonObject[]>>

/** What is known of an earlier injection of a pod. `doubtful`: the annotation is there, but the pod does not look injected. */
export type PreviousInjection =
  | { readonly is: 'none' }
  | { readonly is: 'doubtful' }
  | { readonly is: 'injected'; readonly status: InjectionStatus; readonly overrides: Overrides }

/** Several steps ask about the same pod. */
const ANSWERS = new WeakMap<JsonObject, PreviousInjection>()

/**
 * Was `pod` injected before? The annotation alone proves nothing, since any author can write it (quirk 3): each container
 * that it names must be there, and one of them must look like an injected one. Never throws: what cannot be read is doubtful.
 */
export function previousInjection(pod: JsonObject): PreviousInjection {
  const answer = ANSWERS.get(pod) ?? look(pod)
  ANSWERS.set(pod, answer)
  return answer
}

function look(pod: JsonObject): PreviousInjection {
  const annotations = objectOr(objectOr(pod['metadata'])['annotations'])
  const text = stringOr(annotations[STATUS_ANNOTATION])
  if (text === undefined || text === '') return { is: 'none' }
  const status = readStatus(text)
  if (status === undefined) return { is: 'doubtful' }
  const named = LISTS.flatMap((list) => {
    const there = byName(containersOf(pod, list))
    return status[list].map((name) => there.get(name))
  })
  if (
    named.length === 0 ||
    named.includes(undefined) ||
    !named.some((container) => container !== undefined && looksInjected(container))
  )
    return { is: 'doubtful' }
  const overrides = readOverrides(stringOr(annotations[OVERRIDES_ANNOTATION]))
  return overrides === undefined ? { is: 'doubtful' } : { is: 'injected', status, overrides }
}

/**
 * The pod without its earlier injection: containers that the status names are gone, or stand again as the user wrote them,
 * and so do probes and the annotations for Prometheus.
 * Volumes stay for the merge, which knows which of them are still wanted; `sidecar.istio.io/status` and the saved overrides go.
 */
export function withoutPrevious(
  pod: JsonObject,
  previous: PreviousInjection & { readonly is: 'injected' },
): JsonObject {
  let bare = pod
  for (const list of LISTS) {
    const injected = new Set<unknown>(previous.status[list])
    const overrides = byName(previous.overrides[list])
    const restored = containersOf(pod, list).flatMap((container) => {
      if (!injected.has(container['name'])) return [container]
      const own = overrides.get(container['name'])
      return own === undefined ? [] : [own]
    })
    bare = withList(bare, list, restored)
  }
  const proxy = proxyOf(pod)
  return withMetadata(restoreMetrics(restoreProbes(bare, proxy), proxy), 'annotations', (annotations) =>
    withoutKey(withoutKey(annotations, STATUS_ANNOTATION), OVERRIDES_ANNOTATION),
  )
}

/** The pod as its author wrote it: `pod` itself where it was not injected before. */
export function authorsPod(pod: JsonObject): JsonObject {
  const previous = previousInjection(pod)
  return previous.is === 'injected' ? withoutPrevious(pod, previous) : pod
}

/** Names that the status of an earlier injection gives, or undefined where it cannot be read. */
function readStatus(text: string): InjectionStatus | undefined {
  const value = embeddedJson(text)
  if (!isObject(value)) return undefined
  return {
    containers: names(value['containers']),
    initContainers: names(value['initContainers']),
    volumes: names(value['volumes']),
  }
}

function readOverrides(text: string | undefined): Overrides | undefined {
  if (text === undefined) return { containers: [], initContainers: [] }
  const value = embeddedJson(text)
  return isObject(value)
    ? { containers: objectsOf(value['containers']), initContainers: objectsOf(value['initContainers']) }
    : undefined
}

function looksInjected(container: JsonObject): boolean {
  if (container['name'] === CONTAINERS.init || container['name'] === CONTAINERS.validation)
    return isList(container['args']) && container['args'][0] === 'istio-iptables'
  return objectsOf(container['env']).some(
    (entry) => typeof entry['name'] === 'string' && INJECTION_MARKS.includes(entry['name']),
  )
}

function names(value: Json | undefined): readonly string[] {
  return isList(value) ? value.filter((name) => typeof name === 'string') : []
}

/** The first of each name. */
function byName(containers: readonly JsonObject[]): ReadonlyMap<unknown, JsonObject> {
  return new Map(containers.toReversed().map((container) => [container['name'], container]))
}
