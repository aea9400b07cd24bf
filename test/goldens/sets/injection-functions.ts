import { readFileSync } from 'node:fs'
import { workloadOf } from '../../../src/core/injection/workload.ts'
import { parseJson } from '../../../src/core/json/parse.ts'
import { isObject, type Json, type JsonObject, objectOr, objectsOf } from '../../../src/core/json/value.ts'
import { jsonDifferences } from '../comparison/differences.ts'
import type { GoldenCase, GoldenSet } from '../golden-set.ts'

/** Truth tables of small functions: a row is a case, named by the table and its input. */
export const INJECTION_FUNCTIONS: GoldenSet = {
  name: 'injection-functions',
  place: 'injection-functions.json',
  cases,
  differences: (expected, actual) => jsonDifferences(expected, actual),
}

/** One table: which columns are results, and the function of the product that gives them. */
interface Table {
  readonly results: readonly string[]
  readonly run: (input: JsonObject) => JsonObject
}

const TABLES: Readonly<Record<string, Table>> = {
  workloadFromPod: { results: ['workloadName', 'kind', 'apiVersion'], run: workloadFromPod },
}

function cases(place: string): readonly GoldenCase[] {
  const tables = objectOr(parseJson(readFileSync(place, 'utf8')))
  return Object.entries(tables).flatMap(([name, rows]) => {
    const table = TABLES[name]
    return objectsOf(rows).map((row): GoldenCase => {
      const input = pick(row, (key) => table?.results.includes(key) !== true)
      const expected = pick(row, (key) => table?.results.includes(key) === true)
      return { name: `${name} ${JSON.stringify(input)}`, expected, actual: () => run(table, input) }
    })
  })
}

function run(table: Table | undefined, input: JsonObject): Json {
  if (table === undefined) throw new Error('the product has no such function yet')
  return table.run(input)
}

function pick(row: JsonObject, keep: (key: string) => boolean): JsonObject {
  return Object.fromEntries(Object.entries(row).filter(([key]) => keep(key)))
}

function workloadFromPod(input: JsonObject): JsonObject {
  const owner = {
    apiVersion: input['ownerApiVersion'],
    kind: input['ownerKind'],
    name: input['ownerName'],
    controller: true,
  }
  const { name, kind, apiVersion } = workloadOf({
    metadata: {
      name: input['podName'],
      generateName: input['generateName'],
      namespace: 'ns',
      labels: isObject(input['labels']) ? input['labels'] : {},
      ownerReferences: owner.kind === '' ? [] : [owner],
    },
  })
  return { workloadName: name, kind, apiVersion }
}
