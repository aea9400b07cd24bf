import { readFileSync } from 'node:fs'
import { parseJson } from '../../../src/core/json/parse.ts'
import { isList, type JsonObject, objectOr, objectsOf, stringOr } from '../../../src/core/json/value.ts'
import { hasRaced } from '../../../src/core/repair/raced.ts'
import { jsonDifferences } from '../comparison/differences.ts'
import type { GoldenSet } from '../golden-set.ts'

/** The status of a pod to whether it is a candidate for repair. One element a case. */
export const REPAIR: GoldenSet = {
  name: 'repair',
  place: 'repair.json',
  cases: (place) => {
    const rows = parseJson(readFileSync(place, 'utf8'))
    if (!isList(rows)) throw new Error(`${place} is no list`)
    return objectsOf(rows).map((golden) => ({
      name: stringOr(golden['name']) ?? '',
      expected: golden['candidate'] === true,
      actual: () => isCandidate(objectOr(golden['pod']), objectOr(golden['config'])),
    }))
  },
  differences: (expected, actual) => jsonDifferences(expected, actual),
}

/** The cases hold the two parts of a pod that count, outside their usual places. */
function isCandidate(pod: JsonObject, config: JsonObject): boolean {
  const { annotations, initContainerStatuses } = pod
  return hasRaced(
    { metadata: { annotations }, status: { initContainerStatuses } },
    {
      annotation: stringOr(config['sidecarAnnotation']) ?? '',
      initContainer: stringOr(config['initContainerName']) ?? '',
      exitCode: Number(config['initExitCode']),
      message: stringOr(config['initTerminationMsg']) ?? '',
    },
  )
}
