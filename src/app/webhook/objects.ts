import type { NamespaceFacts } from '../../core/decision/facts.ts'
import { projectNode, type NodeFacts } from '../../core/decision/node-set.ts'
import { annotationsOf, labelsOf } from '../../core/json/pod.ts'
import { objectOr, stringMap, stringOr, type JsonObject } from '../../core/json/value.ts'

/** What is kept of an object of each kind that decisions rest on. */
export interface Projections {
  readonly Namespace: NamespaceFacts
  readonly Node: NodeFacts
  /** `data` */
  readonly ConfigMap: Readonly<Record<string, string>>
  /** labels */
  readonly DaemonSet: Readonly<Record<string, string>>
  /** the object, less what the API server keeps for itself */
  readonly ProxyConfig: JsonObject
}

export type ObservedKind = keyof Projections

/** How an object of the API server becomes what is kept of it. A field of a wrong type counts as absent. */
export const PROJECT: { readonly [K in ObservedKind]: (object: JsonObject) => Projections[K] } = {
  Namespace: (object) => ({
    name: stringOr(objectOr(object['metadata'])['name']) ?? '',
    labels: labelsOf(object),
    annotations: annotationsOf(object),
  }),
  Node: projectNode,
  ConfigMap: (object) => stringMap(object['data']),
  DaemonSet: labelsOf,
  ProxyConfig: (object) => {
    const { name, namespace, creationTimestamp } = objectOr(object['metadata'])
    return { metadata: { name, namespace, creationTimestamp }, spec: object['spec'] }
  },
}

export const OBSERVED_KINDS = Object.keys(PROJECT) as readonly ObservedKind[]

/** What is kept of those `objects` that are of `kind`, by name, or by `namespace/name` where the kind has namespaces. */
export function entriesOf<K extends ObservedKind>(
  kind: K,
  objects: readonly JsonObject[],
): ReadonlyMap<string, Projections[K]> {
  const own = objects.filter((object) => object['kind'] === kind)
  return new Map(own.map((object) => [keyOf(object), PROJECT[kind](object)]))
}

function keyOf(object: JsonObject): string {
  const metadata = objectOr(object['metadata'])
  const name = stringOr(metadata['name']) ?? ''
  const namespace = stringOr(metadata['namespace']) ?? ''
  return namespace === '' ? name : `${namespace}/${name}`
}
