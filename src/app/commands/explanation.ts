import { type Voice, voicesOf } from '../../core/decision/voices.ts'
import type { Outcome } from '../../core/explain/outcome.ts'
import { type Report, reportOf, type TableRow, tableOf } from '../../core/explain/report.ts'
import { coded, decidedMode, verdictWords } from '../../core/explain/words.ts'
import type { PodOutcome } from '../../core/explain/workload-documents.ts'
import type { InjectorAsked } from '../../core/registration/injectors-asked.ts'
import { liveOutcome, type Registry } from '../../core/explain/live-outcome.ts'
import type { Mode } from '../../core/vocabulary/modes.ts'
import { type Reason, sentence } from '../../core/vocabulary/reasons.ts'

/** Everything that is to be said about one pod, or about the pods of one workload. */
export interface Explanation {
  readonly name: string
  readonly outcome: Outcome
  /** what would become of it if a webhook of Sluice's were asked; undefined where one is */
  readonly ifAsked: Outcome | undefined
  readonly voices: readonly Voice[]
  /** how a pod that exists joined the mesh; undefined for what does not run */
  readonly now: Mode | 'none' | undefined
  /** whom the API server asks, or may ask; undefined offline */
  readonly asked: readonly InjectorAsked[] | undefined
  readonly findings: readonly Reason[]
  /** what nobody said, and was taken for true: offline only */
  readonly assumed: readonly string[]
}

/** What `sluice explain -o json` prints of one pod: `Report`, and what is known besides. The keys are public API. */
interface FullReport extends Report {
  readonly name: string
  /** every label and setting that speaks about the pod, and whether it was followed, agrees or lost */
  readonly voices: readonly { readonly source: string; readonly asks: string; readonly effect: string }[]
  readonly now?: string
  readonly ifAsked?: { readonly mode: string; readonly reason: string; readonly message: string }
  readonly webhooks?: readonly { readonly entry: string; readonly configuration: string; readonly verdict: string }[]
  readonly findings: readonly { readonly reason: string; readonly message: string }[]
  readonly assumed?: readonly string[]
}

/** `registry`: undefined offline, where a pod is taken to be asked about. */
export function explanationOf(
  { name, facts, outcome }: PodOutcome,
  registry: Registry | undefined,
  now?: Mode | 'none',
  assumed: readonly string[] = [],
): Explanation {
  const live = registry === undefined ? undefined : liveOutcome(facts, outcome, registry)
  const real = live?.outcome ?? outcome
  return {
    name,
    outcome: real,
    ifAsked: live?.ifAsked,
    voices: voicesOf(facts, real.decision),
    now,
    asked: live?.asked.filter(({ verdict }) => verdict.is !== 'passes over'),
    findings: live?.findings ?? [],
    assumed,
  }
}

/** What `explain -o json` prints of one pod. */
export function fullReportOf(explanation: Explanation): FullReport {
  const { name, outcome, ifAsked, voices, now, asked, findings, assumed } = explanation
  return {
    name,
    ...reportOf(outcome),
    voices: voices.map(({ text, asks, effect }) => ({ source: text, asks, effect })),
    ...(now === undefined ? {} : { now }),
    ...(ifAsked === undefined
      ? {}
      : {
          ifAsked: {
            mode: decidedMode(ifAsked.decision),
            reason: ifAsked.decision.reason.code,
            message: sentence(ifAsked.decision.reason),
          },
        }),
    ...(asked === undefined
      ? {}
      : {
          webhooks: asked.map(({ entry, configuration, verdict }) => ({ entry, configuration, verdict: verdict.is })),
        }),
    findings: findings.map((reason) => ({ reason: reason.code, message: sentence(reason) })),
    ...(assumed.length === 0 ? {} : { assumed }),
  }
}

/** For people: the name, then a table. */
export function textOf({ name, outcome, ifAsked, voices, now, asked, findings, assumed }: Explanation): string {
  const rows: readonly TableRow[] = [
    ...(now === undefined ? [] : [['runs as', now === 'none' ? 'not meshed' : `mode ${now}`] as const]),
    ...(ifAsked === undefined
      ? []
      : [['if asked', `${verdictWords(ifAsked.decision)}: ${coded(ifAsked.decision.reason)}`] as const]),
    ...voices.map(({ text, asks, effect }): TableRow => [EFFECT_HEADS[effect], `${text} (asks for ${ASKED[asks]})`]),
    ...(asked ?? [])
      .filter(({ verdict }) => verdict.is === 'asks')
      .map(({ entry, owner }): TableRow => ['asked', `${entry} of ${owner}`]),
    ...findings.map((reason): TableRow => ['webhooks', coded(reason)]),
    ...assumed.map((line): TableRow => ['assumed', line]),
  ]
  const table = tableOf(outcome, { rows, reasons: findings })
  return `${name}\n${table.replaceAll(/^(?=.)/gm, '  ')}`
}

const EFFECT_HEADS = { decided: 'decided by', agrees: 'agrees', lost: 'lost' } as const satisfies Record<
  Voice['effect'],
  string
>

const ASKED: Readonly<Record<Voice['asks'], string>> = {
  auto: 'any mode',
  ambient: 'ambient',
  cni: 'cni',
  init: 'init',
  none: 'no mesh',
  sidecar: 'a sidecar',
  'no ambient': 'no ambient',
  'nothing known': 'nothing that is known',
}
