import { containersOf } from '../json/pod.ts'
import { nanosOf } from '../json/quantity.ts'
import { isList, type Json, type JsonObject, objectOr, objectsOf, stringOr } from '../json/value.ts'
import { CONTAINERS } from '../vocabulary/names.ts'
import type { Reason } from '../vocabulary/reasons.ts'

/** What bounds the resources of the pods of one namespace. */
export interface NamespaceBounds {
  /** LimitRange objects */
  readonly ranges: readonly JsonObject[]
  /** ResourceQuota objects */
  readonly quotas: readonly JsonObject[]
  /** why some are not known */
  readonly unread: readonly Reason[]
}

const INJECTED: readonly string[] = Object.values(CONTAINERS)
const KINDS = ['requests', 'limits'] as const

/** What of the containers that injection adds to `pod` no LimitRange of the namespace would take. */
export function rangesAgainst(pod: JsonObject, { ranges }: NamespaceBounds): readonly Reason[] {
  const added = containersOf(pod).filter(({ name }) => INJECTED.includes(name))
  return ranges.flatMap((range) =>
    objectsOf(objectOr(range['spec'])['limits'])
      .filter(({ type }) => type === 'Container')
      .flatMap((item) =>
        added.flatMap(({ name, container }) =>
          beyond(container, item).map((what): Reason => {
            return { code: 'limit_range_refuses', args: { container: name, range: nameOf(range), what } }
          }),
        ),
      ),
  )
}

/** What is not stated is made to fit by the API server. */
function beyond({ resources }: JsonObject, { max, min }: JsonObject): readonly string[] {
  return KINDS.flatMap((kind) =>
    Object.entries(objectOr(objectOr(resources)[kind])).flatMap(([resource, value]) => {
      const [most, least] = [objectOr(max)[resource], objectOr(min)[resource]]
      if (exceeds(value, most)) return [`${kind}.${resource}=${shown(value)} is above its maximum ${shown(most)}`]
      if (exceeds(least, value)) return [`${kind}.${resource}=${shown(value)} is below its minimum ${shown(least)}`]
      return []
    }),
  )
}

/** What bounds the pods of `namespace`, among the objects of all namespaces. */
export function boundsOf(namespace: string, all: NamespaceBounds): NamespaceBounds {
  const own = ({ metadata }: JsonObject): boolean => objectOr(metadata)['namespace'] === namespace
  return { ...all, ranges: all.ranges.filter(own), quotas: all.quotas.filter(own) }
}

/** Quotas that leave no room for one more pod like `pod`, as a rolling restart wants it. One with scopes is about other pods, perhaps. */
export function quotasAgainst(pod: JsonObject, { quotas }: NamespaceBounds): readonly Reason[] {
  return quotas.flatMap((quota) => {
    const { hard, scopes, scopeSelector } = objectOr(quota['spec'])
    if (scopeSelector !== undefined || (isList(scopes) && scopes.length > 0)) return []
    const used = objectOr(objectOr(quota['status'])['used'])
    return Object.entries(objectOr(hard)).flatMap(([name, most]): readonly Reason[] => {
      const need = needOf(pod, name)
      const [all, taken] = [nanosOf(most), nanosOf(used[name] ?? '0')]
      if (need === undefined || all === undefined || taken === undefined || taken + need <= all) return []
      return [
        {
          code: 'quota_short',
          args: { quota: nameOf(quota), resource: name, used: shown(used[name]), hard: shown(most) },
        },
      ]
    })
  })
}

/** What one pod takes of a quota's resource; undefined where it is none of a pod's cpu and memory. */
function needOf(pod: JsonObject, name: string): bigint | undefined {
  const [, kind = 'requests', resource = ''] = /^(?:(requests|limits)\.)?(cpu|memory)$/.exec(name) ?? []
  if (resource === '') return undefined
  const all = containersOf(pod).map(({ list, container }) => ({
    stays: list === 'containers' || container['restartPolicy'] === 'Always',
    amount: nanosOf(objectOr(objectOr(container['resources'])[kind])[resource] ?? '0') ?? 0n,
  }))
  const staying = all.reduce((sum, { stays, amount }) => (stays ? sum + amount : sum), 0n)
  return all.reduce((most, { stays, amount }) => (!stays && amount > most ? amount : most), staying)
}

function exceeds(value: Json | undefined, bound: Json | undefined): boolean {
  const [left, right] = [nanosOf(value), nanosOf(bound)]
  return left !== undefined && right !== undefined && left > right
}

/** The API server gives every quantity as text. */
function shown(value: Json | undefined): string {
  return stringOr(value) ?? ''
}

function nameOf({ metadata }: JsonObject): string {
  return stringOr(objectOr(metadata)['name']) ?? ''
}
