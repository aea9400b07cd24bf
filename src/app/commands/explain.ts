import { reportOf, tableOf } from '../../core/explain/report.ts'
import { outcomesOfDocument } from '../../core/explain/workload-documents.ts'
import { type Command, UsageError } from './command.ts'
import { FILE_FLAG, parseObjects, readText } from './input.ts'
import { OFFLINE_FLAGS, readOfflineFacts } from './offline-facts.ts'
import { OUTPUT_FLAG, render } from './output.ts'

export const explainCommand: Command = {
  name: 'explain',
  summary: 'says which mode the pods of a file get and why, and which ones they do not get and why not',
  positional: null,
  flags: [FILE_FLAG, ...OFFLINE_FLAGS, OUTPUT_FLAG],
  examples: [
    'sluice explain -f pod.yaml',
    'sluice explain -f deployment.yaml --namespace-file namespace.yaml -o json',
    'kubectl get pod web -o yaml | sluice explain -f -',
  ],
  run: async (flags, _positional, io) => {
    const path = flags['filename']
    if (path === undefined) throw new UsageError('explain needs -f FILE; - reads standard input')
    const factsOf = await readOfflineFacts(flags, io)
    const documents = parseObjects(await readText(path, io), path)
    const pods = documents.flatMap((document) => outcomesOfDocument(document, factsOf).pods)
    if (pods.length === 0) throw new UsageError(`${path} holds no Pod, and no workload with a template of pods`)
    const reports = pods.map(({ outcome }) => reportOf(outcome))
    const text = (): string => pods.map(({ name, outcome }) => `${name}\n${indented(tableOf(outcome))}`).join('\n')
    io.out(render(flags, reports.length === 1 ? reports[0] : reports, text))
    return pods.some(({ outcome }) => outcome.decision.is === 'refused') ? 'refusal' : 'ok'
  },
}

function indented(table: string): string {
  return table.replaceAll(/^(?=.)/gm, '  ')
}
