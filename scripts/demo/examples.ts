import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { isObject, type JsonObject } from '../../src/core/json/value.ts'

/** The examples with what each shows; examples/README.md says more. */
const TITLES = {
  '01-deployment.yaml': "a Deployment's pod in a namespace labelled istio-injection=enabled",
  '02-restricted.yaml': 'a namespace that enforces Pod Security restricted',
  '03-ambient.yaml': 'a namespace enrolled in ambient',
  '04-opt-out.yaml': 'a pod that opts out',
  '05-node-without-agent.yaml': 'a pod bound to a node that has no agent',
  '06-host-network.yaml': 'a pod on the network of its node',
  '07-nothing-possible.yaml': 'a pod for which no mode is both allowed and possible',
} as const

export const EXAMPLES = Object.keys(TITLES) as (keyof typeof TITLES)[]

/** A namespace and one pod in it. */
export interface Example {
  readonly title: string
  readonly path: string
  readonly namespace: JsonObject
  readonly pod: JsonObject
}

/** The objects of a YAML file of examples/. */
export function readObjects(file: string): readonly JsonObject[] {
  const documents = parseAllDocuments(readFileSync(join('examples', file), 'utf8'))
  return [...documents].map((document) => document.toJS() as unknown).filter(isObject)
}

export function readExample(file: keyof typeof TITLES): Example {
  const objects = readObjects(file)
  const of = (kind: string): JsonObject => {
    const found = objects.find((object) => object['kind'] === kind)
    if (found === undefined) throw new Error(`examples/${file} holds no ${kind}`)
    return found
  }
  return { title: TITLES[file], path: join('examples', file), namespace: of('Namespace'), pod: of('Pod') }
}
