import { promisedTo } from '../intent/promised.ts'
import { specOf } from '../json/pod.ts'
import { type JsonObject, objectOr, objectsOf, stringOr } from '../json/value.ts'
import type { Mode } from '../vocabulary/modes.ts'
import { POD_CONDITIONS } from '../vocabulary/names.ts'
import { hasOwnNetwork } from '../repair/sweepable.ts'

/** How one pod of the mesh stands: what it was promised, and what was measured. */
export interface Standing {
  readonly namespace: string
  readonly name: string
  readonly node: string
  readonly mode: Mode
  /** `unknown` also where nobody has measured it yet */
  readonly redirected: 'yes' | 'no' | 'unknown'
  readonly reason: string
  readonly message: string
  /** ISO 8601; null where it was never measured */
  readonly measuredAt: string | null
  readonly since: string | null
}

const WORDS = { True: 'yes', False: 'no' } as const

/**
 * How `pod` stands, as its status in the API tells; undefined where nothing was promised to it, or nothing runs in it now.
 * `namespaceLabels`: of its namespace.
 */
export function standingOf(pod: JsonObject, namespaceLabels: Readonly<Record<string, string>>): Standing | undefined {
  const metadata = objectOr(pod['metadata'])
  const namespace = stringOr(metadata['namespace']) ?? ''
  const around = { namespace, namespaceLabels, excludedNamespaces: [], ambient: true }
  const promised = promisedTo(pod, around)
  if (promised.is === 'nothing' || !hasOwnNetwork(pod)) return undefined
  const condition = objectsOf(objectOr(pod['status'])['conditions']).find(
    ({ type }) => type === POD_CONDITIONS.redirected,
  )
  const text = (key: string): string | null => stringOr(condition?.[key]) ?? null
  const status = text('status')
  return {
    namespace,
    name: stringOr(metadata['name']) ?? '',
    node: stringOr(specOf(pod)['nodeName']) ?? '',
    mode: promised.mode,
    redirected: status === 'True' || status === 'False' ? WORDS[status] : 'unknown',
    reason: text('reason') ?? 'not_measured',
    message: text('message') ?? 'no agent has measured it',
    measuredAt: text('lastProbeTime'),
    since: text('lastTransitionTime'),
  }
}
