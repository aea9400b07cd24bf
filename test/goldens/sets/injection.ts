import {
  isList,
  isObject,
  type Json,
  type JsonObject,
  objectOr,
  objectsOf,
  stringOr,
} from '../../../src/core/json/value.ts'
import { jsonDifferences } from '../comparison/differences.ts'
import { normalDocument } from '../comparison/normal-document.ts'
import { normalPod } from '../comparison/normal-pod.ts'
import type { GoldenCase, GoldenSet } from '../golden-set.ts'
import { explains, INJECTION_QUIRKS } from './foreseen.ts'
import { admit } from './injection-admit.ts'
import { jsonFiles } from './json-files.ts'

/** One file a case: a pod or documents, with the settings, to what becomes of them. */
export const INJECTION: GoldenSet = { name: 'injection', place: 'injection', cases, differences }

function cases(place: string): readonly GoldenCase[] {
  return jsonFiles(place).map(({ name, golden }) => {
    return {
      name,
      expected: expectedOf(golden),
      actual: () => admit(golden),
      foresees: (lines) => explains(INJECTION_QUIRKS, golden, lines),
    }
  })
}

/** `{ outcome, injected?, warnings?, error? }`: what `admit` gives too. */
function expectedOf(golden: JsonObject): Json {
  const outcome = stringOr(golden['outcome']) ?? ''
  if (outcome === 'error') return { outcome, error: golden['error'] }
  return { outcome, injected: outcome === 'skipped' ? golden['pod'] : golden['injected'], warnings: golden['warnings'] }
}

function differences(expected: Json, actual: Json): readonly string[] {
  const [want, got] = [objectOr(expected), objectOr(actual)]
  if (want['outcome'] !== got['outcome'])
    return [
      ...jsonDifferences(want['outcome'], got['outcome'], 'outcome'),
      ...(got['error'] === undefined ? [] : [`error: ${JSON.stringify(got['error'])}`]),
    ]
  if (want['outcome'] === 'error') return errorDifferences(objectOr(want['error']), objectOr(got['error']))
  return [
    ...jsonDifferences(want['warnings'], got['warnings'], 'warnings'),
    ...jsonDifferences(normal(want['injected']), normal(got['injected'])),
  ]
}

/** The class and what the message mentions count, not its words; of our own results the words too. */
function errorDifferences(want: JsonObject, got: JsonObject): readonly string[] {
  const message = stringOr(got['message']) ?? ''
  const mentions = (isList(want['mentions']) ? want['mentions'] : [want['message']]).filter(
    (text) => typeof text === 'string',
  )
  return [
    ...jsonDifferences(want['class'], got['class'], 'error.class'),
    ...mentions
      .filter((mention) => !message.includes(mention))
      .map((mention) => `error.message: must contain ${JSON.stringify(mention)}, got ${JSON.stringify(message)}`),
  ]
}

function normal(injected: Json | undefined): Json | undefined {
  if (isList(injected)) return objectsOf(injected).map(normalDocument)
  return isObject(injected) ? normalPod(injected) : injected
}
