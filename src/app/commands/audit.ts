import { asCreated, isLive, modeOfLivePod } from '../../core/explain/live-pod.ts'
import { liveOutcome } from '../../core/explain/live-outcome.ts'
import { type LedgerEntry, ledgerOf } from '../../core/explain/net-admin-ledger.ts'
import { outcomeOf } from '../../core/explain/outcome-of.ts'
import type { Outcome } from '../../core/explain/outcome.ts'
import { coded } from '../../core/explain/words.ts'
import { type JsonObject, objectOr, objectsOf, stringOr } from '../../core/json/value.ts'
import { type Reason, remedy, sentence } from '../../core/vocabulary/reasons.ts'
import type { Command } from './command.ts'
import { LIVE_FLAGS, type Live, readLive } from './live.ts'
import { OUTPUT_FLAG, render } from './output.ts'
import { columns } from './table.ts'
import { SELECTOR_FLAG } from './where.ts'

/** One line of the ledger: a container, and the pod that it is in. */
interface Row extends LedgerEntry {
  readonly namespace: string
  readonly pod: string
  readonly owner: string
  readonly node: string
  readonly mode: string
}

export const auditCommand: Command = {
  name: 'audit',
  positional: null,
  flags: [
    ...LIVE_FLAGS,
    SELECTOR_FLAG,
    {
      ...OUTPUT_FLAG,
      choices: ['text', 'wide', 'json', 'yaml'],
      help: 'how to print the answer; wide adds owner, node, mode and by which field',
    },
  ],
  examples: ['kubectl sluice audit -A', 'kubectl sluice audit -n shop -o wide', 'sluice audit -A -o json | jq length'],
  run: async (flags, _positional, io) => {
    const live = await readLive(flags, io)
    const pods = (await live.pods()).filter(isLive)
    const rows = pods.flatMap((pod) => rowsOf(pod, live))
    io.out(render(flags, rows.map(reported), () => textOf(rows, pods.length, flags['output'] === 'wide')))
    return 'ok'
  },
}

function rowsOf(pod: JsonObject, live: Live): readonly Row[] {
  const { namespace, name, ownerReferences } = objectOr(pod['metadata'])
  const owner = objectsOf(ownerReferences).find(({ controller }) => controller === true)
  return ledgerOf(pod, todayOf(pod, live)).map((entry) => ({
    namespace: stringOr(namespace) ?? '',
    pod: stringOr(name) ?? '',
    owner: owner === undefined ? '' : `${stringOr(owner['kind']) ?? ''}/${stringOr(owner['name']) ?? ''}`,
    node: stringOr(objectOr(pod['spec'])['nodeName']) ?? '',
    mode: modeOfLivePod(pod),
    ...entry,
  }))
}

/** The ledger is there also where nothing can be decided. */
function todayOf(pod: JsonObject, live: Live): Outcome | Reason {
  const current = live.world.current()
  if (current.is !== 'snapshot') return { code: 'configuration_missing', args: { problem: current.why } }
  const facts = live.factsOf(asCreated(pod), stringOr(objectOr(pod['metadata'])['namespace']))
  return liveOutcome(facts, outcomeOf(facts), live.registry).outcome
}

/** As programs get it; the keys are public API. */
function reported({ why, removal, ...row }: Row): Readonly<Record<string, unknown>> {
  return { ...row, reason: why.code, message: sentence(why), fix: remedy(why), removal: removal.map(removalReport) }
}

function removalReport(reason: Reason): Readonly<Record<string, unknown>> {
  return { reason: reason.code, message: sentence(reason), fix: remedy(reason) }
}

function textOf(rows: readonly Row[], pods: number, wide: boolean): string {
  const holders = new Set(rows.map(({ namespace, pod }) => `${namespace}/${pod}`)).size
  const summary = `${holders} of ${pods} pods hold NET_ADMIN\n`
  if (rows.length === 0) return summary
  const head = ['NAMESPACE', 'POD', 'CONTAINER', 'SINCE', ...(wide ? ['OWNER', 'NODE', 'MODE', 'BY'] : []), 'WHY']
  const table = columns(
    head,
    rows.map((row) => [
      ...[row.namespace, row.pod, row.container, row.since],
      ...(wide ? [row.owner, row.node, row.mode, row.how] : []),
      coded(row.why),
    ]),
  )
  return `${table}\n${removalText(rows)}\n${summary}`
}

/** Each way out once, with those that it is for: a hundred replicas need one line. */
function removalText(rows: readonly Row[]): string {
  const ways = Map.groupBy(
    rows.flatMap((row) => (row.removal.length === 0 ? [row.why] : row.removal).map((reason) => ({ row, reason }))),
    ({ reason }) => coded(reason),
  )
  return [...ways]
    .map(([words, found]) => {
      const [first] = found
      const fix = first === undefined ? null : remedy(first.reason)
      const names = [...new Set(found.map(({ row }) => `${row.namespace}/${row.pod}`))]
      const shown = names.length > 3 ? [...names.slice(0, 3), `${names.length - 3} more`] : names
      return `${words}\n  for     ${shown.join(', ')}\n${fix === null ? '' : `  to do   ${fix}\n`}`
    })
    .join('')
}
