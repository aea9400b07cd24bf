import { type Json, type JsonObject, objectOr, objectsOf, stringOr } from '../../json/value.ts'
import { CONTAINERS } from '../../vocabulary/names.ts'
import type { Draft, InjectionContext, Step } from '../draft.ts'
import { asRegular, containersOf, LISTS, type ListName, withList, withMetadata } from '../pod-parts.ts'
import { proxyIds } from '../proxy-ids.ts'
import { InjectionRefusal } from '../refusal.ts'
import { BUILT_IN_TEMPLATES } from '../templates/built-in.ts'
import type { Template, TemplateInput } from '../templates/template.ts'
import { userTemplates } from '../templates/user-templates.ts'
import { workloadOf } from '../workload.ts'
import { savedOverrides } from './own-containers.ts'
import { type Overrides, previousInjection, withoutPrevious } from './previous-injection.ts'
import { scrapedByMesh } from './scraped-by-mesh.ts'
import { MergeError, strategicMerge } from './strategic-merge.ts'
import { templatesOf } from './templates-of.ts'

/** Takes an earlier injection out of the pod, so that everything after works on the pod as its author meant it. */
export const STRIP_PREVIOUS: Step = {
  name: 'strip-previous',
  follows: 'injector.md §8; quirks 1, 2 and 3: an injected pod comes again on its un-injected form',
  apply: (draft) => {
    const previous = previousInjection(draft.pod)
    switch (previous.is) {
      case 'none':
        return draft
      case 'doubtful':
        return { ...draft, warnings: [...draft.warnings, { code: 'status_not_trusted', args: {} }] }
      case 'injected':
        return { ...draft, pod: withoutPrevious(draft.pod, previous) }
    }
  },
}

/** Renders each template of the pod and merges it onto the pod, and onto what the templates have said so far. */
export const APPLY_TEMPLATES: Step = {
  name: 'apply-templates',
  follows: 'injector.md §8',
  apply: (draft, context) => {
    const { injector } = context.settings
    // a template of the settings replaces one of Istio's of the same name
    const templates = new Map(Object.entries({ ...BUILT_IN_TEMPLATES, ...userTemplates(injector) }))
    const input = templateInput(draft, context)
    const merged = templatesOf(draft.pod, injector, templates).reduce(
      (soFar, { name, template }) => applyOne(soFar, name, template, input),
      draft,
    )
    return withoutStaleVolumes(merged)
  },
}

function templateInput(draft: Draft, context: InjectionContext): TemplateInput {
  return {
    pod: seenByTemplates(draft, context),
    context,
    proxyConfig: draft.proxyConfig,
    native: draft.native,
    workload: context.workload ?? workloadOf(draft.pod),
    ids: proxyIds(context.settings, context.namespace),
  }
}

/**
 * The pod before any template: without the metrics annotations of an earlier injection, and with the containers that only the
 * annotation `proxy.istio.io/overrides` names (injector.md §8, "Input of the rendering").
 */
function seenByTemplates(draft: Draft, context: InjectionContext): JsonObject {
  const previous = previousInjection(draft.original)
  if (previous.is !== 'injected') return withMissing(draft.pod, savedOverrides(draft.pod))
  // what the earlier injection saved itself stands in the pod again
  const others = (list: ListName): readonly JsonObject[] =>
    previous.overrides[list].filter(({ name }) => !previous.status[list].some((injected) => injected === name))
  return withMetadata(
    withMissing(draft.pod, { containers: others('containers'), initContainers: others('initContainers') }),
    'annotations',
    (annotations) => scrapedByMesh(annotations, context.settings.mesh),
  )
}

function withMissing(pod: JsonObject, saved: Overrides): JsonObject {
  return LISTS.reduce((soFar, list) => {
    const there = new Set(containersOf(soFar, list).map((container) => container['name']))
    const missing = saved[list].filter((container) => !there.has(container['name']))
    return missing.length === 0 ? soFar : withList(soFar, list, [...containersOf(soFar, list), ...missing])
  }, pod)
}

function applyOne(draft: Draft, name: string, template: Template, input: TemplateInput): Draft {
  try {
    const rendered = template(input)
    const list = placeOfProxy(draft, rendered)
    const overlay = withProxyIn(rendered, list)
    const said = objectOr(strategicMerge(withProxyIn(draft.said, list), overlay))
    const merged = objectOr(strategicMerge(withProxyIn(draft.pod, list), overlay))
    return { ...draft, said, pod: withOneSource(merged, draft, overlay) }
  } catch (error) {
    if (error instanceof MergeError)
      throw new InjectionRefusal({ code: 'template_failed', args: { template: name, problem: error.message } })
    throw error
  }
}

/**
 * Where the proxy goes, so that there is one of it (injector.md §8, quirk 18): a native sidecar is an init container, whichever
 * of the templates says so; else the first template that speaks of it decides, and others and the user mean the same one.
 */
function placeOfProxy({ said, native }: Draft, overlay: JsonObject): ListName | undefined {
  const wanted = listOfProxy(overlay)
  return native && wanted === 'initContainers' ? wanted : (listOfProxy(said) ?? wanted)
}

function withProxyIn(pod: JsonObject, list: ListName | undefined): JsonObject {
  return list === undefined ? pod : moveProxy(pod, list)
}

function listOfProxy(pod: JsonObject): ListName | undefined {
  return LISTS.find((list) => containersOf(pod, list).some(isProxy))
}

function moveProxy(pod: JsonObject, to: ListName): JsonObject {
  const from: ListName = to === 'containers' ? 'initContainers' : 'containers'
  const moving = containersOf(pod, from).filter(isProxy)
  if (moving.length === 0) return pod
  const rest = withList(
    pod,
    from,
    containersOf(pod, from).filter((container) => !isProxy(container)),
  )
  return withList(rest, to, [...containersOf(rest, to), ...(to === 'containers' ? moving.map(asRegular) : moving)])
}

function isProxy(container: JsonObject): boolean {
  return container['name'] === CONTAINERS.proxy
}

/** A volume has one source: a user's volume under the name of an injected one is refused with a reason (quirk 13). */
function withOneSource(pod: JsonObject, draft: Draft, overlay: JsonObject): JsonObject {
  const injected = volumeNames(overlay)
  const previous = previousInjection(draft.original)
  const earlier = new Set<Json | undefined>(previous.is === 'injected' ? previous.status.volumes : [])
  const before = new Map(volumesOf(draft.pod).map((volume) => [volume['name'], volume]))
  const volumes = volumesOf(pod).map((volume) => {
    const name = volume['name']
    if (!injected.has(name) || Object.keys(volume).length <= 2) return volume
    const there = before.get(name)
    if (!earlier.has(name) || there === undefined)
      throw new InjectionRefusal({ code: 'volume_name_taken', args: { volume: stringOr(name) ?? '' } })
    return Object.fromEntries(Object.entries(volume).filter(([key]) => key === 'name' || !Object.hasOwn(there, key)))
  })
  return withVolumes(pod, volumes)
}

/** Volumes of an earlier injection that the templates no longer want go (quirk 2). */
function withoutStaleVolumes(draft: Draft): Draft {
  const previous = previousInjection(draft.original)
  if (previous.is !== 'injected') return draft
  const wanted = volumeNames(draft.said)
  const stale = new Set<Json | undefined>(previous.status.volumes.filter((name) => !wanted.has(name)))
  return {
    ...draft,
    pod: withVolumes(
      draft.pod,
      volumesOf(draft.pod).filter((volume) => !stale.has(volume['name'])),
    ),
  }
}

function volumesOf(pod: JsonObject): readonly JsonObject[] {
  return objectsOf(objectOr(pod['spec'])['volumes'])
}

function volumeNames(pod: JsonObject): ReadonlySet<Json | undefined> {
  return new Set(volumesOf(pod).map((volume) => volume['name']))
}

function withVolumes(pod: JsonObject, volumes: readonly JsonObject[]): JsonObject {
  const spec = objectOr(pod['spec'])
  return spec['volumes'] === undefined ? pod : { ...pod, spec: { ...spec, volumes } }
}
