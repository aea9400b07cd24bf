import { type CheckResult, judge } from '../../core/checks/judge.ts'
import { checkAnchor, CHECKS, type CheckRow } from '../../core/vocabulary/checks.ts'
import { createClient } from '../../edge/cluster/client.ts'
import { readSurvey } from './check/read-survey.ts'
import { CLUSTER_FLAGS, connect } from './cluster.ts'
import type { Command } from './command.ts'
import type { ExitName } from './exit-code.ts'
import { INSTALLATION_FLAGS, installationOf } from './installation.ts'
import { OUTPUT_FLAG, render } from './output.ts'
import { namespaceGiven, PROBE_NAMESPACE_FLAG } from './where.ts'

export const checkCommand: Command = {
  name: 'check',
  positional: null,
  flags: [
    { name: 'pre', value: null, help: 'check what an installation needs, before there is one' },
    PROBE_NAMESPACE_FLAG,
    {
      name: 'agent-namespace',
      value: 'NAME',
      default: '',
      help: "where the agent will be (the chart's cni.namespace); empty: where its DaemonSet is, or Sluice's namespace",
    },
    ...CLUSTER_FLAGS,
    ...INSTALLATION_FLAGS,
    OUTPUT_FLAG,
  ],
  examples: ['kubectl sluice check --pre', 'kubectl sluice check', 'sluice check -o json | jq'],
  run: async (flags, _positional, io) => {
    const given = namespaceGiven(flags)
    const connection = await connect(flags, io)
    const client = createClient(connection, { timeoutMs: 30_000, signal: io.stop })
    const survey = await readSurvey({
      client,
      installation: installationOf(flags),
      probeNamespace: given ?? connection.namespace,
      now: Date.now(),
    })
    const results = judge(survey, flags['pre'] === 'true' ? 'before' : 'after')
    io.out(render(flags, results.map(reported), () => textOf(results)))
    return exitOf(results)
  },
}

/** As programs get it; names and keys are public API. */
function reported({ id, verdict, detail }: CheckResult): Readonly<Record<string, string>> {
  const { group, title, fix } = CHECKS[id]
  return { check: id, group, verdict, title, detail, ...(verdict === 'ok' ? {} : { fix }), docs: checkAnchor(id) }
}

const SIGNS = { ok: '√', warning: '‼', error: '×', unknown: '?' } as const

function textOf(results: readonly CheckResult[]): string {
  const groups = Map.groupBy(results, ({ id }) => CHECKS[id].group)
  const blocks = [...groups].map(
    ([group, found]) => `${group}\n${'-'.repeat(group.length)}\n${found.map(lineOf).join('')}`,
  )
  const count = (verdict: CheckResult['verdict']): number => results.filter((one) => one.verdict === verdict).length
  return `${blocks.join('\n')}\n${results.length} checks: ${count('error')} failed, ${count('unknown')} unknown, ${count('warning')} warnings\n`
}

function lineOf({ id, verdict, detail }: CheckResult): string {
  const { title, fix }: CheckRow = CHECKS[id]
  const tail = detail === '' ? '' : verdict === 'ok' ? ` (${detail})` : `\n    ${detail}`
  const advice = verdict === 'ok' ? '' : `    to do: ${fix}\n    see ${checkAnchor(id)}\n`
  return `${SIGNS[verdict]} ${title}${tail}\n${advice}`
}

/** A check that failed outweighs one that could not be made; a warning is no failure. */
function exitOf(results: readonly CheckResult[]): ExitName {
  if (results.some(({ verdict }) => verdict === 'error')) return 'refusal'
  return results.some(({ verdict }) => verdict === 'unknown') ? 'unknown' : 'ok'
}
