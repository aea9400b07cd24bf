import { type JsonObject, objectsOf } from '../../json/value.ts'
import { CONTAINERS } from '../../vocabulary/names.ts'
import type { Step } from '../draft.ts'
import { containersOf, LISTS, withList } from '../pod-parts.ts'
import { previousInjection } from './previous-injection.ts'

/** Environment of an earlier proxy that cannot be made anew: what it was made from, the pod's probes and annotations, was rewritten then. */
const CARRIED: readonly unknown[] = ['ISTIO_PROMETHEUS_ANNOTATIONS', 'ISTIO_KUBE_APP_PROBERS']

/** Hands what an earlier proxy recorded of the author's probes and metrics to the new one (quirk 1). */
export const CARRY_ENVIRONMENT: Step = {
  name: 'carry-environment',
  follows: 'injector.md §12: an injected pod keeps the record of its own probes and metrics',
  apply: (draft) => {
    if (previousInjection(draft.original).is !== 'injected') return draft
    const earlier = LISTS.flatMap((list) => containersOf(draft.original, list)).find(isProxy)
    const carried = objectsOf(earlier?.['env']).filter((entry) => CARRIED.includes(entry['name']))
    if (carried.length === 0) return draft
    const pod = LISTS.reduce((soFar, list) => {
      const containers = containersOf(soFar, list)
      return containers.some(isProxy)
        ? withList(
            soFar,
            list,
            containers.map((container) => (isProxy(container) ? carry(container, carried) : container)),
          )
        : soFar
    }, draft.pod)
    return { ...draft, pod }
  },
}

function carry(proxy: JsonObject, carried: readonly JsonObject[]): JsonObject {
  const own = objectsOf(proxy['env']).filter((entry) => !CARRIED.includes(entry['name']))
  return { ...proxy, env: [...own, ...carried] }
}

function isProxy(container: JsonObject): boolean {
  return container['name'] === CONTAINERS.proxy
}
