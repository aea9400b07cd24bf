import { diff } from '../../core/admission/patch.ts'
import { asCreated, isLive, modeOfLivePod, namespacedName } from '../../core/explain/live-pod.ts'
import { outcomeOf } from '../../core/explain/outcome-of.ts'
import type { Outcome } from '../../core/explain/outcome.ts'
import { type Staleness, stalenessOf } from '../../core/explain/staleness.ts'
import { coded } from '../../core/explain/words.ts'
import { outcomesOfDocument } from '../../core/explain/workload-documents.ts'
import { type JsonObject, objectOr, stringOr } from '../../core/json/value.ts'
import { liveOutcome } from '../../core/explain/live-outcome.ts'
import { sentence } from '../../core/vocabulary/reasons.ts'
import type { WorkloadKindName } from '../../core/vocabulary/workload-kinds.ts'
import { hasStatus } from '../../edge/cluster/api-error.ts'
import type { ClusterClient } from '../../edge/cluster/client.ts'
import { CLUSTER_FLAGS } from './cluster.ts'
import { type Command, CommandFailure, type CommandIo, type FlagRow, type FlagValues, UsageError } from './command.ts'
import type { ExitName } from './exit-code.ts'
import { type Explanation, explanationOf, fullReportOf, textOf } from './explanation.ts'
import { FILES_FLAGS, type InputFile, readFiles } from './input.ts'
import { outcomesInFile } from './file-outcomes.ts'
import { parseObjects } from './parse-objects.ts'
import { type Live, readLive, targetOf } from './live.ts'
import { OFFLINE_FLAGS, readOffline } from './offline-facts.ts'
import { OUTPUT_FLAG, render } from './output.ts'
import { columns } from './table.ts'
import { readTargets, WORKLOAD_TYPES } from './targets.ts'
import { ALL_NAMESPACES_FLAG, SELECTOR_FLAG } from './where.ts'

const STALE_FLAG = {
  name: 'stale',
  value: null,
  help: "only running pods that today's settings would make otherwise, and how",
} as const satisfies FlagRow

export const explainCommand: Command = {
  name: 'explain',
  positional: '[[TYPE/]NAME...]',
  positionalWords: WORKLOAD_TYPES,
  flags: [
    ...FILES_FLAGS,
    ...OFFLINE_FLAGS,
    ALL_NAMESPACES_FLAG,
    SELECTOR_FLAG,
    STALE_FLAG,
    ...CLUSTER_FLAGS,
    OUTPUT_FLAG,
  ],
  examples: [
    'sluice explain -f pod.yaml',
    'sluice explain -f manifests/ -R --objects cluster.yaml',
    'sluice explain -f deployment.yaml --namespace-file namespace.yaml -o json',
    'kubectl sluice explain -n shop web-7c5ddbdf54-x7k2p deploy/cart',
    'kubectl sluice explain -f deployment.yaml --context prod',
    'kubectl sluice explain --stale -A',
  ],
  run: async (flags, positional, io) => {
    const isFile = flags['filename'] !== undefined
    if (isFile && positional.length > 0)
      throw new UsageError('explain takes -f FILE or names of a live cluster, not both')
    if (flags['stale'] === 'true' && (isFile || positional.length > 0))
      throw new UsageError('--stale looks at every pod of the namespace, or of all with -A')
    if (flags['selector'] !== undefined && (isFile || positional.length > 0))
      throw new UsageError('-l is for the pods of a live cluster, without a name or a file')
    const files = await readFiles(flags, io)
    if (files !== undefined) return answer(flags, io, await explainFiles(files, flags, io))
    if (positional.length > 0) return answer(flags, io, await explainNamed(positional, flags, io))
    if (
      !['namespace', 'all-namespaces', 'stale', 'selector'].some(
        (name) => flags[name] !== undefined && flags[name] !== 'false',
      )
    )
      throw new UsageError('explain needs -f FILE, a NAME, or -n or -A for the pods of a live cluster')
    return await survey(await readLive(flags, io), flags, io)
  },
}

/** Files are explained against a cluster where one is named, else offline. */
async function explainFiles(
  files: readonly InputFile[],
  flags: FlagValues,
  io: CommandIo,
): Promise<readonly Explanation[]> {
  const asksLive = flags['kubeconfig'] !== undefined || flags['context'] !== undefined
  const live = asksLive ? await readLive(flags, io) : undefined
  const { factsOf, assumedOf } = live === undefined ? await readOffline(flags, io) : { ...live, assumedOf: () => [] }
  const pods = files.flatMap((file) =>
    parseObjects(file).flatMap((document) => outcomesInFile(file.name, document, factsOf).pods),
  )
  if (pods.length === 0)
    throw new UsageError(
      `${files.map(({ name }) => name).join(', ')}: there is no Pod, and no workload with a template of pods`,
    )
  return pods.map((pod) => explanationOf(pod, live?.registry, undefined, assumedOf(pod.facts.namespace.name)))
}

async function explainNamed(
  words: readonly string[],
  flags: FlagValues,
  io: CommandIo,
): Promise<readonly Explanation[]> {
  const targets = readTargets(words)
  const live = await readLive(flags, io)
  const { namespace } = live
  if (namespace === undefined) throw new UsageError('-A is for explain without a name; give -n for one')
  const explained: Explanation[] = []
  for (const { kind, name } of targets) {
    const object = await getNamed(live.client, kind, namespace, name)
    explained.push(...explainLive({ ...object, kind }, live))
  }
  return explained
}

async function getNamed(
  client: ClusterClient,
  kind: WorkloadKindName,
  namespace: string,
  name: string,
): Promise<JsonObject> {
  try {
    return await client.get(targetOf(kind, namespace, name))
  } catch (error) {
    if (!hasStatus(error, 404)) throw error
    throw new CommandFailure(`there is no ${kind.toLowerCase()} ${name} in the namespace ${namespace}`, {
      cause: error,
    })
  }
}

function explainLive(object: JsonObject, live: Live): readonly Explanation[] {
  const isPod = object['kind'] === 'Pod'
  const { pods } = outcomesOfDocument(isPod ? asCreated(object) : object, live.factsOf)
  return pods.map((pod) => explanationOf(pod, live.registry, isPod ? modeOfLivePod(object) : undefined))
}

function answer(flags: FlagValues, io: CommandIo, explained: readonly Explanation[]): ExitName {
  const reports = explained.map(fullReportOf)
  io.out(render(flags, reports.length === 1 ? reports[0] : reports, () => explained.map(textOf).join('\n')))
  return explained.some(({ outcome }) => outcome.decision.is === 'refused') ? 'refusal' : 'ok'
}

/** A running pod, and what today would make of it. */
interface Surveyed {
  readonly name: string
  readonly outcome: Outcome
  readonly staleness: Staleness
}

async function survey(live: Live, flags: FlagValues, io: CommandIo): Promise<ExitName> {
  const onlyStale = flags['stale'] === 'true'
  const pods = (await live.pods()).filter(isLive).map((pod) => surveyed(pod, live))
  const shown = pods.filter(({ staleness }) => !onlyStale || staleness.stale)
  const reports = shown.map(({ name, outcome: { decision }, staleness }) => ({
    pod: name,
    now: staleness.from,
    today: staleness.to,
    reason: decision.reason.code,
    message: sentence(decision.reason),
    stale: staleness.stale,
    changes: staleness.changes,
  }))
  io.out(render(flags, reports, () => (onlyStale ? staleText(shown, pods.length) : surveyText(shown))))
  return 'ok'
}

function surveyed(pod: JsonObject, live: Live): Surveyed {
  const before = asCreated(pod)
  const facts = live.factsOf(before, stringOr(objectOr(pod['metadata'])['namespace']))
  const { outcome } = liveOutcome(facts, outcomeOf(facts), live.registry)
  return { name: namespacedName(pod), outcome, staleness: stalenessOf(before, outcome, diff(before, outcome.pod)) }
}

function surveyText(pods: readonly Surveyed[]): string {
  if (pods.length === 0) return 'no pods\n'
  return columns(
    ['POD', 'NOW', 'TODAY', 'REASON'],
    pods.map(({ name, outcome, staleness: { from, to } }) => [name, from, to, coded(outcome.decision.reason)]),
  )
}

function staleText(pods: readonly Surveyed[], of: number): string {
  const blocks = pods.map(({ name, outcome, staleness: { from, to, changes } }) =>
    [`${name}: ${from} → ${to}`, `  ${coded(outcome.decision.reason)}`, ...changes.map((line) => `  ${line}`), ''].join(
      '\n',
    ),
  )
  return [...blocks, `${pods.length} of ${of} pods would be made otherwise today\n`].join('\n')
}
