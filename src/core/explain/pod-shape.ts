import { isList, isObject, type Json, type JsonObject, objectOr, stringOr } from '../json/value.ts'
import { WORKLOAD_KINDS, type WorkloadKind } from '../vocabulary/workload-kinds.ts'

/**
 * What of `document` no API server would take for a pod or a template of pods, as one sentence; undefined where nothing is
 * wrong. A pod at admission has the right types; a file may say `inject: false` without quotes, which is no label, and any
 * answer about it would be about another pod.
 */
export function misshapen(document: JsonObject): string | undefined {
  const { items } = document
  const kind = stringOr(document['kind']) ?? ''
  if (kind === 'List' && isList(items))
    return items.map((item) => (isObject(item) ? misshapen(item) : undefined)).find((problem) => problem !== undefined)
  const kinds: Readonly<Record<string, WorkloadKind>> = WORKLOAD_KINDS
  const path = Object.hasOwn(kinds, kind) ? kinds[kind]?.template : undefined
  if (path === undefined) return undefined
  const template = path.reduce<Json | undefined>((value, key) => objectOr(value)[key], document)
  const problem = wrongIn(document, [], POD_OR_WORKLOAD) ?? wrongIn(template, path, POD)
  return problem === undefined ? undefined : `${kind.toLowerCase()}/${nameOf(document)}: ${problem}`
}

/** What a field must be: text, a map with some known fields, a map of texts, or a list. */
type Shape =
  | { readonly is: 'text' }
  | { readonly is: 'map'; readonly fields: Readonly<Record<string, Shape>> }
  | { readonly is: 'texts' }
  | { readonly is: 'list'; readonly of: Shape }

const TEXT: Shape = { is: 'text' }
const METADATA: Shape = {
  is: 'map',
  fields: { name: TEXT, generateName: TEXT, namespace: TEXT, labels: { is: 'texts' }, annotations: { is: 'texts' } },
}
const CONTAINERS: Shape = { is: 'list', of: { is: 'map', fields: { name: TEXT, image: TEXT } } }
const POD_OR_WORKLOAD: Shape = { is: 'map', fields: { metadata: METADATA, spec: { is: 'map', fields: {} } } }
const POD: Shape = {
  is: 'map',
  fields: {
    metadata: METADATA,
    spec: { is: 'map', fields: { containers: CONTAINERS, initContainers: CONTAINERS } },
  },
}

function wrongIn(value: Json | undefined, path: readonly string[], shape: Shape): string | undefined {
  // the API server takes null for a field that is not there
  if (value === undefined || value === null) return undefined
  switch (shape.is) {
    case 'text':
      return typeof value === 'string' ? undefined : wrong(value, path, 'text; quotes make it one')
    case 'texts':
      return isObject(value)
        ? firstWrong(Object.keys(value), (key) => wrongIn(value[key], [...path, key], TEXT))
        : wrong(value, path, 'a map of texts')
    case 'map':
      return isObject(value)
        ? firstWrong(Object.entries(shape.fields), ([key, field]) => wrongIn(value[key], [...path, key], field))
        : wrong(value, path, 'a map')
    case 'list':
      return isList(value)
        ? firstWrong([...value.entries()], ([index, one]) => wrongIn(one, [...path, String(index)], shape.of))
        : wrong(value, path, 'a list')
  }
}

function firstWrong<T>(all: readonly T[], look: (one: T) => string | undefined): string | undefined {
  for (const one of all) {
    const problem = look(one)
    if (problem !== undefined) return problem
  }
  return undefined
}

function wrong(value: Json, path: readonly string[], want: string): string {
  return `${path.map((key) => (key.includes('.') ? `'${key}'` : key)).join('.')} is ${JSON.stringify(value).slice(0, 60)}; it must be ${want}`
}

function nameOf(document: JsonObject): string {
  const { name, generateName } = objectOr(document['metadata'])
  return stringOr(name) ?? stringOr(generateName) ?? ''
}
