import { misshapen } from '../../core/explain/pod-shape.ts'
import { type DocumentOutcome, type FactsOfPod, outcomesOfDocument } from '../../core/explain/workload-documents.ts'
import type { JsonObject } from '../../core/json/value.ts'
import { UsageError } from './command.ts'

/** What becomes of the pods of one document of the file `name`. Throws UsageError where no API server would take them. */
export function outcomesInFile(name: string, document: JsonObject, factsOf: FactsOfPod): DocumentOutcome {
  const problem = misshapen(document)
  if (problem !== undefined) throw new UsageError(`${name}: ${problem}`)
  return outcomesOfDocument(document, factsOf)
}
