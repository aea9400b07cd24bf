import { readFileSync } from 'node:fs'
import { nativeSidecars } from '../../../src/core/injection/native-sidecars.ts'
import { pathEnv } from '../../../src/core/injection/path-env.ts'
import { sanitizedKey, scrapeTargets } from '../../../src/core/injection/prometheus.ts'
import { idBlock } from '../../../src/core/injection/proxy-ids.ts'
import { imageTag, imageTagDigest } from '../../../src/core/injection/templates/images.ts'
import { multusNetworks } from '../../../src/core/injection/templates/multus.ts'
import { excludeInboundPort } from '../../../src/core/injection/templates/traffic.ts'
import { problemsOfAnnotations } from '../../../src/core/injection/validate-annotations.ts'
import { workloadOf } from '../../../src/core/injection/workload.ts'
import { parseJson } from '../../../src/core/json/parse.ts'
import { isObject, type Json, type JsonObject, objectOr, objectsOf, stringOr } from '../../../src/core/json/value.ts'
import { jsonDifferences } from '../comparison/differences.ts'
import type { GoldenCase, GoldenSet } from '../golden-set.ts'
import { explains, FUNCTION_QUIRKS } from './foreseen.ts'

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
  annotationValidation: { results: ['valid'], run: annotationValidation },
  excludeInboundPort: {
    results: ['result'],
    run: ({ exclude, statusPort }) => ({ result: excludeInboundPort(textOf(exclude), textOf(statusPort)) }),
  },
  imageTag: { results: ['result'], run: ({ tag, type }) => ({ result: imageTag(textOf(tag), textOf(type)) }) },
  imageTagDigest: { results: ['tag', 'digest'], run: ({ image }) => ({ ...imageTagDigest(textOf(image)) }) },
  multusNetworks: {
    results: ['result'],
    run: ({ existing }) => ({ result: multusNetworks(textOf(existing)).networks }),
  },
  nativeSidecarByKubelet: {
    results: ['native'],
    run: ({ kubeletVersion }) => ({
      native: nativeSidecars('auto', new Map([['node-1', textOf(kubeletVersion)]]), undefined),
    }),
  },
  prometheusKey: { results: ['sanitized'], run: ({ key }) => ({ sanitized: sanitizedKey(textOf(key)) }) },
  requestPathToEnv: { results: ['env'], run: ({ path }) => ({ env: pathEnv(textOf(path)) }) },
  scrapeTargets: { results: ['error', 'targets'], run: targetsOf },
  uidBlock: {
    results: ['error', 'start', 'end'],
    run: ({ value }) => ({ error: false, ...(idBlock(textOf(value)) ?? { error: true }) }),
  },
  workloadFromPod: { results: ['workloadName', 'kind', 'apiVersion'], run: workloadFromPod },
}

function cases(place: string): readonly GoldenCase[] {
  const tables = objectOr(parseJson(readFileSync(place, 'utf8')))
  return Object.entries(tables).flatMap(([name, rows]) => {
    const table = TABLES[name]
    return objectsOf(rows).map((row): GoldenCase => {
      const input = pick(row, (key) => table?.results.includes(key) !== true)
      const expected = pick(row, (key) => table?.results.includes(key) === true)
      return {
        name: `${name} ${JSON.stringify(input)}`,
        expected,
        actual: () => run(table, input),
        foresees: (lines) => explains(FUNCTION_QUIRKS, input, lines),
      }
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

function annotationValidation({ annotation, value }: JsonObject): JsonObject {
  const pod = { metadata: { annotations: { [textOf(annotation)]: value } } }
  return { valid: problemsOfAnnotations(pod).length === 0 }
}

function targetsOf({ value }: JsonObject): JsonObject {
  const targets = scrapeTargets(textOf(value))
  const list = targets?.map((target) => ({ ...target })) ?? []
  return { error: targets === undefined, targets: list.length === 0 ? null : list }
}

function textOf(value: Json | undefined): string {
  return stringOr(value) ?? ''
}
