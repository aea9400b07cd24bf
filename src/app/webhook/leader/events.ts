import { objectOr, stringOr } from '../../../core/json/value.ts'
import type { ApiObject } from '../../../edge/cluster/api-object.ts'
import type { ClusterClient } from '../../../edge/cluster/client.ts'
import { microTime } from '../../../edge/cluster/election.ts'
import type { LeaderParts } from './parts.ts'
import { write, type WriteResult } from './writes.ts'

const EVENTS = { group: 'events.k8s.io', version: 'v1', plural: 'events' }
/** The API server takes no longer note. */
const NOTE_BYTES = 1024

/** An event of a pod, in the pod's namespace. */
export interface PodEvent {
  /** the same for what is the same news; told again, the event that is there counts on */
  readonly eventName: string
  readonly pod: { readonly namespace: string; readonly name: string; readonly uid: string }
  readonly type: 'Normal' | 'Warning'
  /** a reason code */
  readonly reason: string
  readonly action: string
  readonly note: string
  /** when it happened */
  readonly at: Date
}

/** Tells `event`, or that it happened again. What another leader told already, for the same time, is left as it is. */
export async function tellEvent(
  client: ClusterClient,
  event: PodEvent,
  { log, metrics, identity }: Pick<LeaderParts, 'log' | 'metrics' | 'identity'>,
  signal: AbortSignal,
): Promise<WriteResult> {
  const { namespace, name: pod } = event.pod
  const context = { log, metrics, signal, about: { namespace, pod, reason: event.reason } }
  const collection = { resource: EVENTS, namespace }
  const made = await write('event', async () => await client.create(collection, objectOf(event, identity)), context)
  if (made !== 'conflict') return made
  const target = { ...collection, name: event.eventName }
  const again = async (): Promise<void> => {
    const patch = countedOn(await client.get(target), event.at)
    if (patch !== undefined) await client.patch(target, 'merge', patch)
  }
  return await write('event', again, context)
}

function objectOf({ eventName, pod, type, reason, action, note, at }: PodEvent, identity: string): object {
  const { namespace, name, uid } = pod
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { namespace, name: eventName },
    eventTime: microTime(at),
    type,
    reason,
    action,
    note: withinBytes(note),
    regarding: { apiVersion: 'v1', kind: 'Pod', namespace, name, uid },
    reportingController: 'sluice-mesh.io/leader',
    reportingInstance: identity,
  }
}

/** Of an event that is there, its series may change and nothing else. */
function countedOn({ metadata, eventTime, series }: ApiObject, at: Date): object | undefined {
  const { count, lastObservedTime } = objectOr(series)
  const last = stringOr(lastObservedTime) ?? stringOr(eventTime) ?? ''
  if (Date.parse(last) === at.getTime()) return undefined
  const { resourceVersion } = objectOr(metadata)
  const more = (typeof count === 'number' ? count : 1) + 1
  return { metadata: { resourceVersion }, series: { count: more, lastObservedTime: microTime(at) } }
}

/** As much of `text` as fits; a character is whole or not there. */
function withinBytes(text: string): string {
  const bytes = Buffer.from(text, 'utf8')
  if (bytes.length <= NOTE_BYTES) return text
  return `${bytes.toString('utf8', 0, NOTE_BYTES - 3).replace(/\uFFFD$/, '')}…`
}
