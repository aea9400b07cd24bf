import type { Review } from '../../core/admission/review.ts'
import type { Facts } from '../../core/decision/facts.ts'
import type { Outcome } from '../../core/explain/outcome.ts'
import { outcomesOfDocument } from '../../core/explain/workload-documents.ts'
import type { JsonObject } from '../../core/json/value.ts'

/** The workloads that are explained, by group: what the registration of the warning-only entries names. */
const EXPLAINED: Readonly<Record<string, readonly string[]>> = {
  apps: ['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet'],
  batch: ['Job', 'CronJob'],
}

/** Does the review ask, on a dry run, what becomes of the pods of a workload? */
export function asksAboutWorkload({ operation, kind, subResource, dryRun }: Review): boolean {
  const kinds = Object.hasOwn(EXPLAINED, kind.group) ? EXPLAINED[kind.group] : undefined
  const written = operation === 'CREATE' || operation === 'UPDATE'
  return dryRun && written && subResource === '' && (kinds ?? []).includes(kind.name)
}

/** What becomes of the pods of `workload`; undefined where it holds no template. `factsOf` gives the facts about a pod. */
export function outcomeOfWorkload(workload: JsonObject, factsOf: (pod: JsonObject) => Facts): Outcome | undefined {
  return outcomesOfDocument(workload, factsOf).pods[0]?.outcome
}
