import { workloadKindOf, type WorkloadKindName, WORKLOAD_KINDS } from '../../core/vocabulary/workload-kinds.ts'
import { UsageError } from './command.ts'

/** An object of a live cluster, as it is named on a command line. */
export interface NamedTarget {
  readonly kind: WorkloadKindName
  readonly name: string
}

/** What TYPE can be. */
export const WORKLOAD_TYPES: readonly string[] = Object.values(WORKLOAD_KINDS).map(({ names }) => names[0])

/** A name of any of these kinds: DNS subdomains, which no path or query can be smuggled into. */
const NAME = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/

/** kubectl's ways to name objects: `NAME…` (pods), `TYPE NAME…`, `TYPE/NAME…`. Throws UsageError for a type that has no pods. */
export function readTargets(words: readonly string[]): readonly NamedTarget[] {
  const [first = '', ...rest] = words
  const kind = workloadKindOf(first)
  if (kind !== undefined && rest.length > 0 && !words.some((word) => word.includes('/')))
    return rest.map((name) => ({ kind, name: checkedName(name) }))
  return words.map((word) => {
    const parts = word.split('/')
    if (parts.length === 1) return { kind: 'Pod', name: checkedName(word) }
    const [type = '', name = ''] = parts
    return { kind: checkedKind(type), name: checkedName(parts.length === 2 ? name : '') }
  })
}

function checkedKind(type: string): WorkloadKindName {
  const kind = workloadKindOf(type)
  if (kind !== undefined) return kind
  throw new UsageError(`'${type}' is no type that has pods; these are: ${WORKLOAD_TYPES.join(', ')}`)
}

function checkedName(name: string): string {
  if (NAME.test(name) && name.length <= 253) return name
  throw new UsageError(`'${name}' is no name of an object; a name is NAME or TYPE/NAME, for example deploy/web`)
}
