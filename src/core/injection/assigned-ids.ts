import type { Json, JsonObject } from '../json/value.ts'
import { isObject, objectOr } from '../json/value.ts'
import { CONTAINERS } from '../vocabulary/names.ts'
import type { Reason } from '../vocabulary/reasons.ts'
import type { Step } from './draft.ts'
import { LISTS, containersOf, mapProxy, proxyOf, withoutKey } from './pod-parts.ts'

/**
 * OpenShift writes the namespace's user into every container, also into a user's `istio-proxy`, where it would override
 * the proxy's own. It is taken for OpenShift's if the last other container has the same (quirk 28).
 */
export const DROP_ASSIGNED_IDS: Step = {
  name: 'drop-assigned-ids',
  follows: 'injector.md §13',
  apply(draft, context) {
    if (context.settings.platform !== 'openshift') return draft
    const assigned = lastAssignedUser(draft.original)
    const pod = mapProxy(draft.original, (proxy) => {
      const security = proxy['securityContext']
      if (!isObject(security) || userOf(security) !== assigned) return proxy
      return { ...proxy, securityContext: withoutKey(withoutKey(security, 'runAsUser'), 'runAsGroup') }
    })
    return { ...draft, original: pod, pod, warnings: [...draft.warnings, ...lostGroup(draft.original, pod)] }
  },
}

/** A lone group was the author's own: OpenShift assigns both or the user alone. */
function lostGroup(before: JsonObject, after: JsonObject): readonly Reason[] {
  const security = objectOr(proxyOf(before)?.['securityContext'])
  const group = security['runAsGroup']
  if (before === after || group === undefined || security['runAsUser'] !== undefined) return []
  return [{ code: 'assigned_group_dropped', args: { group: JSON.stringify(group) } }]
}

function lastAssignedUser(pod: JsonObject): Json {
  const ours: readonly unknown[] = [CONTAINERS.proxy, CONTAINERS.init, CONTAINERS.validation]
  const last = LISTS.flatMap((list) => containersOf(pod, list))
    .filter((container) => !ours.includes(container['name']))
    .findLast((container) => objectOr(container['securityContext'])['runAsUser'] !== undefined)
  return userOf(objectOr(last?.['securityContext']))
}

/** Unset counts as 0, as with Istio. */
function userOf(security: JsonObject): Json {
  return security['runAsUser'] ?? 0
}
