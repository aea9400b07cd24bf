import { outcomeOf } from '../../core/explain/outcome-of.ts'
import { reportOf, tableOf } from '../../core/explain/report.ts'
import { objectOr, stringOr, type JsonObject } from '../../core/json/value.ts'
import { type Command, UsageError } from './command.ts'
import type { ExitName } from './exit-code.ts'
import { FILE_FLAG, parseObjects, readText } from './input.ts'
import { OFFLINE_FLAGS, readOfflineFacts } from './offline-facts.ts'
import { OUTPUT_FLAG, render } from './output.ts'

export const explainCommand: Command = {
  name: 'explain',
  summary: 'says which mode a pod gets and why, which ones it does not get and why not',
  positional: null,
  flags: [FILE_FLAG, ...OFFLINE_FLAGS, OUTPUT_FLAG],
  examples: [
    'sluice explain -f pod.yaml',
    'sluice explain -f pod.yaml --namespace-file namespace.yaml -o json',
    'kubectl get pod web -o yaml | sluice explain -f -',
  ],
  run: async (flags, _positional, io) => {
    const path = flags['filename']
    if (path === undefined) throw new UsageError('explain needs -f FILE')
    const facts = await readOfflineFacts(flags, io)
    const pods = parseObjects(await readText(path, io), path).filter((object) => object['kind'] === 'Pod')
    if (pods.length === 0) throw new UsageError(`${path} holds no Pod`)
    const outcomes = pods.map((pod) => ({ pod, outcome: outcomeOf(facts.factsOf(pod)) }))
    const reports = outcomes.map(({ outcome }) => reportOf(outcome))
    io.out(
      render(flags, reports.length === 1 ? reports[0] : reports, () =>
        outcomes
          .map(({ pod, outcome }) => `${nameOf(pod)}\n${tableOf(outcome).replaceAll(/^/gm, '  ').trimEnd()}\n`)
          .join('\n'),
      ),
    )
    const exit: ExitName = outcomes.some(({ outcome }) => outcome.decision.is === 'refused') ? 'refusal' : 'ok'
    return exit
  },
}

function nameOf(pod: JsonObject): string {
  const metadata = objectOr(pod['metadata'])
  return `pod/${stringOr(metadata['name']) ?? stringOr(metadata['generateName']) ?? '(no name)'}`
}
