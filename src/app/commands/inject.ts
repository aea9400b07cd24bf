import { coded } from '../../core/explain/words.ts'
import type { FactsOfPod, PodOutcome } from '../../core/explain/workload-documents.ts'
import { warningLines } from '../../core/explain/admission-texts.ts'
import { isObject, type JsonObject } from '../../core/json/value.ts'
import { type Command, type CommandIo, type FlagValues, UsageError } from './command.ts'
import { outcomesInFile } from './file-outcomes.ts'
import { FILES_FLAGS, type InputFile, readFiles } from './input.ts'
import { OFFLINE_FLAGS, readOffline } from './offline-facts.ts'
import { OUTPUT_FLAG, render } from './output.ts'
import { notAnObject, notYaml } from './parse-objects.ts'
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
    ...FILES_FLAGS,
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
    const files = await readFiles(flags, io)
    if (files === undefined) throw new UsageError('inject needs -f FILE; - reads standard input')
    const { factsOf } = await readOffline(flags, io)
    const pods: PodOutcome[] = []
    const rewritten = files.map((file) => rewrittenFile(file, factsOf, pods))
    const refused = pods.filter(({ outcome }) => outcome.decision.is === 'refused')
    tell(pods, io)
    // all or nothing: a half-injected file would be applied
    if (refused.length > 0) return 'refusal'
    io.out(printed(flags, rewritten))
    return 'ok'
  },
}

/** The documents of a file as they should be; what becomes of their pods is added to `pods`. */
function rewrittenFile({ name, text }: InputFile, factsOf: FactsOfPod, pods: PodOutcome[]): readonly Rewritten[] {
  const { documents, problem } = editableDocuments(text)
  if (problem !== undefined) throw notYaml(name, problem)
  return documents.flatMap((document): readonly Rewritten[] => {
    if (document.value === null) return []
    if (!isObject(document.value)) throw notAnObject(name)
    const made = outcomesInFile(name, document.value, factsOf)
    pods.push(...made.pods)
    return [
      {
        value: made.document,
        text: made.document === document.value ? document.text : document.withValue(made.document),
      },
    ]
  })
}

/** What a person should know, on standard error: the objects alone go to standard output. */
function tell(pods: readonly PodOutcome[], io: CommandIo): void {
  for (const { name, outcome } of pods) {
    const { decision } = outcome
    if (decision.is === 'left') io.err(`${name} is left alone: ${coded(decision.reason)}\n`)
    else for (const line of warningLines(outcome, decision.is === 'refused')) io.err(`${name}: ${line}\n`)
  }
}

function printed(flags: FlagValues, files: readonly (readonly Rewritten[])[]): string {
  if (flags['output'] === 'yaml')
    return files
      .map((documents) => documents.map(({ text }) => (text.endsWith('\n') ? text : `${text}\n`)).join(''))
      .filter((text) => text !== '')
      .reduce((all, text) => (all === '' || text.startsWith('---') ? `${all}${text}` : `${all}---\n${text}`), '')
  const values = files.flat().map(({ value }) => value)
  return render(flags, values.length === 1 ? values[0] : { apiVersion: 'v1', kind: 'List', items: values }, () => '')
}
