import { type NetAdminHolder, netAdminHolders } from '../decision/net-admin.ts'
import { previousInjection } from '../injection/merge/previous-injection.ts'
import { annotationsOf, containersOf } from '../json/pod.ts'
import { type JsonObject, objectOr, objectsOf, stringOr } from '../json/value.ts'
import { ANSWER_ANNOTATIONS, CONTAINERS } from '../vocabulary/names.ts'
import type { Reason } from '../vocabulary/reasons.ts'
import type { Outcome } from './outcome.ts'
import { decidedMode } from './words.ts'

/** A container of a running pod that holds NET_ADMIN. */
export interface LedgerEntry {
  readonly container: string
  readonly how: NetAdminHolder['how']
  /** did an injection put it there, or the pod's author? */
  readonly by: 'mesh' | 'pod'
  readonly why: Reason
  /** when the container's pod was created: what it may do cannot change afterwards; empty where the pod does not say */
  readonly since: string
  /** what stands in the way of a pod without it, or what would be enough; nothing where only the pod's author can tell */
  readonly removal: readonly Reason[]
}

/**
 * Who holds NET_ADMIN in `pod`, why, and what would take it away. `today`: what would become of the pod if it was created
 * again, or why that is not known.
 */
export function ledgerOf(pod: JsonObject, today: Outcome | Reason): readonly LedgerEntry[] {
  const since = stringOr(objectOr(pod['metadata'])['creationTimestamp']) ?? ''
  const injected = injectedNames(pod)
  return netAdminHolders(pod).map((holder) => {
    const by = injected.has(holder.name) ? 'mesh' : 'pod'
    return {
      container: holder.name,
      how: holder.how,
      by,
      why: by === 'mesh' ? whyInjected(pod, holder) : { code: 'held_by_spec', args: { how: holder.how } },
      since: startOf(pod, holder.name) ?? since,
      removal: by === 'mesh' ? removalOf(holder.name, today) : [],
    }
  })
}

/** Containers that the status names; where nobody can read it, those by Istio's names. */
function injectedNames(pod: JsonObject): ReadonlySet<string> {
  const previous = previousInjection(pod)
  if (previous.is === 'none') return new Set()
  if (previous.is === 'doubtful') return new Set<string>(Object.values(CONTAINERS))
  return new Set([...previous.status.initContainers, ...previous.status.containers])
}

function whyInjected(pod: JsonObject, { name, how }: NetAdminHolder): Reason {
  if (name === CONTAINERS.init)
    return { code: 'held_by_init', args: { admitted: annotationsOf(pod)[ANSWER_ANNOTATIONS.reason] ?? '' } }
  return isTproxy(pod) ? { code: 'held_by_tproxy', args: {} } : { code: 'held_by_injection', args: { how } }
}

function isTproxy(pod: JsonObject): boolean {
  const proxy = containersOf(pod).find(({ name }) => name === CONTAINERS.proxy)?.container
  return objectsOf(proxy?.['env']).some(
    ({ name, value }) => name === 'ISTIO_META_INTERCEPTION_MODE' && value === 'TPROXY',
  )
}

/** A container of `kubectl debug` comes later than its pod. */
function startOf(pod: JsonObject, name: string): string | undefined {
  const status = objectsOf(objectOr(pod['status'])['ephemeralContainerStatuses']).find((one) => one['name'] === name)
  return stringOr(objectOr(objectOr(status?.['state'])['running'])['startedAt'])
}

function removalOf(container: string, today: Outcome | Reason): readonly Reason[] {
  if ('code' in today) return [today]
  const { decision, netAdmin } = today
  if (decision.is === 'refused') return [decision.reason, ...decision.rejected.map(({ reason }) => reason)]
  const stays = netAdmin.some((grant) => grant.container === container)
  if (!stays) return [{ code: 'held_until_restart', args: { mode: decidedMode(decision) } }]
  return decision.rejected.map(({ reason }) => reason)
}
