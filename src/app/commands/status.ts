import { type Standing, standingOf } from '../../core/explain/standing.ts'
import { labelsOf } from '../../core/json/pod.ts'
import { objectOr, stringOr } from '../../core/json/value.ts'
import { createClient } from '../../edge/cluster/client.ts'
import { listAll } from '../../edge/cluster/list-all.ts'
import { CLUSTER_FLAGS, connect } from './cluster.ts'
import { type Command, UsageError } from './command.ts'
import type { ExitName } from './exit-code.ts'
import { OUTPUT_FLAG, render } from './output.ts'
import { columns } from './table.ts'

export const statusCommand: Command = {
  name: 'status',
  positional: null,
  flags: [
    ...CLUSTER_FLAGS,
    { name: 'namespace', short: 'n', value: 'NAME', default: 'default', help: 'the namespace whose pods are shown' },
    { name: 'all-namespaces', short: 'A', value: null, help: 'the pods of all namespaces' },
    { ...OUTPUT_FLAG, choices: ['text', 'wide', 'json', 'yaml'] },
  ],
  examples: ['sluice status -n shop', 'sluice status -A -o wide'],
  run: async (flags, positional, io) => {
    if (positional.length > 0) throw new UsageError(`status takes no argument, yet got '${positional.join(' ')}'`)
    const client = createClient(await connect(flags, io), { signal: io.stop })
    const namespace = flags['all-namespaces'] === 'true' ? undefined : (flags['namespace'] ?? 'default')
    const collection = (plural: string) => ({ resource: { group: '', version: 'v1', plural } })
    const namespaces = new Map<string, Readonly<Record<string, string>>>()
    for (const object of await listAll(client, collection('namespaces'))) {
      namespaces.set(stringOr(objectOr(object['metadata'])['name']) ?? '', labelsOf(object))
    }
    const standings: Standing[] = []
    const pods = { ...collection('pods'), ...(namespace !== undefined && { namespace }) }
    for (const pod of await listAll(client, pods)) {
      const of = stringOr(objectOr(pod['metadata'])['namespace']) ?? ''
      const standing = standingOf(pod, namespaces.get(of) ?? {})
      if (standing !== undefined) standings.push(standing)
    }
    const wide = flags['output'] === 'wide'
    io.out(render(flags, standings, () => tableOf(standings, wide, Date.now())))
    return exitOf(standings)
  },
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
