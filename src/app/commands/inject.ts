import { coded } from '../../core/explain/words.ts'
import { outcomesOfDocument, type PodOutcome } from '../../core/explain/workload-documents.ts'
import { warningLines } from '../../core/explain/admission-texts.ts'
import { isObject, type JsonObject } from '../../core/json/value.ts'
import { type Command, type CommandIo, type FlagValues, UsageError } from './command.ts'
import { FILE_FLAG, readText } from './input.ts'
import { OFFLINE_FLAGS, readOfflineFacts } from './offline-facts.ts'
import { OUTPUT_FLAG, render } from './output.ts'
import { editableDocuments } from './yaml-edit.ts'

/** A document of the input: what it says afterwards, and its text with everything else as people wrote it. */
interface Rewritten {
  readonly value: JsonObject
  readonly text: string
}

export const injectCommand: Command = {
  name: 'inject',
  positional: null,
  flags: [
    FILE_FLAG,
    ...OFFLINE_FLAGS,
    {
      ...OUTPUT_FLAG,
      choices: ['yaml', 'json'],
      default: 'yaml',
      help: 'how to print the objects; yaml keeps comments and order',
    },
  ],
  examples: [
    'sluice inject -f deployment.yaml | kubectl apply -f -',
    'sluice inject -f pod.json --mode cni -o json',
    'kubectl get deployment web -o yaml | sluice inject -f -',
  ],
  run: async (flags, _positional, io) => {
    const path = flags['filename']
    if (path === undefined) throw new UsageError('inject needs -f FILE; - reads standard input')
    const factsOf = await readOfflineFacts(flags, io)
    const { documents, problem } = editableDocuments(await readText(path, io))
    if (problem !== undefined) throw new UsageError(`${path} is no YAML: ${problem}`)
    const pods: PodOutcome[] = []
    const rewritten = documents.flatMap((document): readonly Rewritten[] => {
      if (document.value === null) return []
      if (!isObject(document.value))
        throw new UsageError(
          `${path} holds a document that is no object; a Kubernetes object starts with apiVersion and kind`,
        )
      const made = outcomesOfDocument(document.value, factsOf)
      pods.push(...made.pods)
      return [
        {
          value: made.document,
          text: made.document === document.value ? document.text : document.withValue(made.document),
        },
      ]
    })
    const refused = pods.filter(({ outcome }) => outcome.decision.is === 'refused')
    tell(pods, io)
    // all or nothing: a half-injected file would be applied
    if (refused.length > 0) return 'refusal'
    io.out(printed(flags, rewritten))
    return 'ok'
  },
}

/** What a person should know, on standard error: the objects alone go to standard output. */
function tell(pods: readonly PodOutcome[], io: CommandIo): void {
  for (const { name, outcome } of pods) {
    const { decision } = outcome
    if (decision.is === 'left') io.err(`${name} is left alone: ${coded(decision.reason)}\n`)
    else for (const line of warningLines(outcome, decision.is === 'refused')) io.err(`${name}: ${line}\n`)
  }
}

function printed(flags: FlagValues, documents: readonly Rewritten[]): string {
  if (flags['output'] === 'yaml')
    return documents.map(({ text }) => (text.endsWith('\n') ? text : `${text}\n`)).join('')
  const values = documents.map(({ value }) => value)
  return render(flags, values.length === 1 ? values[0] : { apiVersion: 'v1', kind: 'List', items: values }, () => '')
}
