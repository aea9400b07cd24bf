import type { Facts } from '../decision/facts.ts'
import { workloadOfDocument } from '../injection/workload.ts'
import { WORKLOAD_KINDS, type WorkloadKind } from '../vocabulary/workload-kinds.ts'
import { isList, isObject, type Json, type JsonObject, objectOr, stringOr } from '../json/value.ts'
import type { Outcome } from './outcome.ts'
import { beforeInjection, outcomeOf } from './outcome-of.ts'

/** What becomes of one pod, or of the pods of one workload. */
export interface PodOutcome {
  /** as kubectl names it, for example `deployment/web` */
  readonly name: string
  /** what was decided by, the pod as it was before any injection */
  readonly facts: Facts
  readonly outcome: Outcome
}

/** A document with its pods as they should be; the very same object where nothing changes. */
export interface DocumentOutcome {
  readonly document: JsonObject
  readonly pods: readonly PodOutcome[]
}

/** The facts about a pod of the given namespace, undefined where its document names none. */
export type FactsOfPod = (pod: JsonObject, namespace: string | undefined) => Facts

/**
 * Decides about the pods of `document`: a Pod, a workload, or a List of them; any other kind has none and stays as it is.
 * The same function as for a pod at admission, with the workload taken from the document around the template.
 */
export function outcomesOfDocument(document: JsonObject, factsOf: FactsOfPod): DocumentOutcome {
  const kind = stringOr(document['kind']) ?? ''
  const items = document['items']
  if (kind === 'List' && isList(items)) return outcomesOfList(document, items, factsOf)
  const kinds: Readonly<Record<string, WorkloadKind>> = WORKLOAD_KINDS
  const path = Object.hasOwn(kinds, kind) ? kinds[kind]?.template : undefined
  const template = path?.reduce<Json | undefined>((value, key) => objectOr(value)[key], document)
  if (path === undefined || !isObject(template)) return { document, pods: [] }
  const metadata = objectOr(document['metadata'])
  const namespace = stringOr(metadata['namespace']) ?? stringOr(objectOr(template['metadata'])['namespace'])
  const facts = factsOf(template, namespace)
  const workload = kind === 'Pod' ? undefined : workloadOfDocument(document)
  const outcome = outcomeOf(facts, workload)
  const asked = { ...facts, pod: beforeInjection(facts, workload) }
  const pods = [{ name: `${kind.toLowerCase()}/${nameOf(metadata)}`, facts: asked, outcome }]
  return outcome.pod === template ? { document, pods } : { document: withTemplate(document, path, outcome.pod), pods }
}

function outcomesOfList(list: JsonObject, items: readonly Json[], factsOf: FactsOfPod): DocumentOutcome {
  const outcomes = items.map((item) => (isObject(item) ? outcomesOfDocument(item, factsOf) : undefined))
  const changed = outcomes.some((outcome, index) => outcome !== undefined && outcome.document !== items[index])
  return {
    document: changed ? { ...list, items: items.map((item, index) => outcomes[index]?.document ?? item) } : list,
    pods: outcomes.flatMap((outcome) => outcome?.pods ?? []),
  }
}

function nameOf(metadata: JsonObject): string {
  return stringOr(metadata['name']) ?? stringOr(metadata['generateName']) ?? ''
}

function withTemplate(value: JsonObject, [key, ...rest]: readonly string[], template: JsonObject): JsonObject {
  return key === undefined ? template : { ...value, [key]: withTemplate(objectOr(value[key]), rest, template) }
}
