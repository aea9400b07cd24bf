import { specOf } from '../json/pod.ts'
import { type JsonObject, objectOr, objectsOf } from '../json/value.ts'
import type { NodeStep } from './node-step.ts'

/**
 * The merge patch that does `step` to the node as it is now. Taints are one list, which others write too: a patch of it holds
 * for this version of the node alone, and all that Sluice does not own stays in it as it is.
 */
export function nodePatch(node: JsonObject, { labels, annotations, taints }: NodeStep): JsonObject {
  const metadata = { labels, annotations }
  if (taints.lift.length === 0 && taints.put === undefined) return { metadata }
  const kept = objectsOf(specOf(node)['taints']).filter(
    (taint) => !taints.lift.some(({ key, effect }) => taint['key'] === key && taint['effect'] === effect),
  )
  const put = taints.put === undefined ? [] : [{ ...taints.put }]
  const { resourceVersion } = objectOr(node['metadata'])
  return { metadata: { ...metadata, resourceVersion }, spec: { taints: [...kept, ...put] } }
}
