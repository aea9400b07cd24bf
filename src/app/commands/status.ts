import { type Standing, standingOf } from '../../core/explain/standing.ts'
import { labelsOf } from '../../core/json/pod.ts'
import { objectOr, stringOr } from '../../core/json/value.ts'
import { type ClusterClient, createClient } from '../../edge/cluster/client.ts'
import { listAll } from '../../edge/cluster/list-all.ts'
import { CLUSTER_FLAGS, connect } from './cluster.ts'
import { type Command, UsageError } from './command.ts'
import type { ExitName } from './exit-code.ts'
import { targetOf } from './live.ts'
import { OUTPUT_FLAG, render } from './output.ts'
import { columns } from './table.ts'
import {
  ALL_NAMESPACES_FLAG,
  labelsOfNamespace,
  NAMESPACE_FLAG,
  namespaceMeant,
  SELECTOR_FLAG,
  selectionOf,
} from './where.ts'

export const statusCommand: Command = {
  name: 'status',
  positional: null,
  flags: [
    ...CLUSTER_FLAGS,
    NAMESPACE_FLAG,
    ALL_NAMESPACES_FLAG,
    SELECTOR_FLAG,
    { ...OUTPUT_FLAG, choices: ['text', 'wide', 'json', 'yaml'] },
  ],
  examples: ['sluice status -n shop', 'sluice status -A -o wide', 'sluice status -n shop -l app=web'],
  run: async (flags, positional, io) => {
    if (positional.length > 0) throw new UsageError(`status takes no argument, yet got '${positional.join(' ')}'`)
    const connection = await connect(flags, io)
    const namespace = namespaceMeant(flags, connection.namespace)
    const client = createClient(connection, { signal: io.stop })
    const labels = await labelsByNamespace(client, namespace)
    const standings: Standing[] = []
    for (const pod of await listAll(client, targetOf('Pod', namespace), selectionOf(flags))) {
      const of = stringOr(objectOr(pod['metadata'])['namespace']) ?? ''
      const standing = standingOf(pod, labels.get(of) ?? {})
      if (standing !== undefined) standings.push(standing)
    }
    const wide = flags['output'] === 'wide'
    io.out(render(flags, standings, () => tableOf(standings, wide, Date.now())))
    return exitOf(standings)
  },
}

/** Of one namespace by rights in that alone: a team may look at its own pods. */
async function labelsByNamespace(
  client: ClusterClient,
  namespace: string | undefined,
): Promise<ReadonlyMap<string, Readonly<Record<string, string>>>> {
  if (namespace !== undefined) return new Map([[namespace, await labelsOfNamespace(client, namespace)]])
  const all = await listAll(client, { resource: { group: '', version: 'v1', plural: 'namespaces' } })
  return new Map(all.map((object) => [stringOr(objectOr(object['metadata'])['name']) ?? '', labelsOf(object)]))
}

function tableOf(standings: readonly Standing[], wide: boolean, now: number): string {
  if (standings.length === 0) return 'no pod of a mesh runs here\n'
  const head = ['NAMESPACE', 'NAME', 'MODE', 'REDIRECTED', 'MEASURED', 'REASON']
  const rows = standings.map((one) => [
    ...[one.namespace, one.name, one.mode, one.redirected, agoOf(one.measuredAt, now), one.reason],
    ...(wide ? [agoOf(one.since, now), one.node, one.message] : []),
  ])
  return columns(wide ? [...head, 'SINCE', 'NODE', 'MESSAGE'] : head, rows)
}

/** How long ago, as kubectl says it: the largest unit that fits. */
function agoOf(time: string | null, now: number): string {
  const at = Date.parse(time ?? '')
  if (Number.isNaN(at)) return 'never'
  const seconds = Math.max(0, Math.round((now - at) / 1000))
  const [, size, unit] = UNITS.find(([from]) => seconds >= from) ?? [0, 1, 's']
  return `${Math.floor(seconds / size)}${unit}`
}

const UNITS: readonly (readonly [from: number, size: number, unit: string])[] = [
  [2 * 86_400, 86_400, 'd'],
  [2 * 3_600, 3_600, 'h'],
  [2 * 60, 60, 'm'],
]

/** No is worse than unknown, and unknown is not yes. */
function exitOf(standings: readonly Standing[]): ExitName {
  if (standings.some(({ redirected }) => redirected === 'no')) return 'refusal'
  return standings.some(({ redirected }) => redirected === 'unknown') ? 'unknown' : 'ok'
}
