import { isList, isObject, type Json, type JsonObject } from '../../../src/core/json/value.ts'
import { entries, isEmpty, normalMetadata, normalPod } from './normal-pod.ts'

/**
 * A document of the offline command as the goldens compare it: the pod template counts (in a CronJob the metadata of the job
 * template too); outside it `status` and what is empty, 0 or false is ignored, since a typed rewriting adds or drops it.
 */
export function normalDocument(document: Json): Json {
  if (!isObject(document)) return document
  if (document['kind'] === 'Pod') return normalPod(document)
  if (document['kind'] === 'List' && isList(document['items'])) {
    const { items, ...list } = document
    return { ...around(list, () => undefined), items: items.map(normalDocument) }
  }
  return around(document, document['kind'] === 'CronJob' ? cronJobParts : templateParts)
}

function around(document: JsonObject, parts: Part): JsonObject {
  const normal = withoutNothing({ ...document, status: null }, parts)
  return isObject(normal) ? normal : {}
}

type Part = (path: string, value: JsonObject) => Json | undefined

function templateParts(path: string, value: JsonObject): Json | undefined {
  return path === '/spec/template' ? normalPod(value) : undefined
}

function cronJobParts(path: string, value: JsonObject): Json | undefined {
  if (path === '/spec/jobTemplate/metadata') return normalMetadata(value)
  return path === '/spec/jobTemplate/spec/template' ? normalPod(value) : undefined
}

function withoutNothing(value: Json, part: Part, path = ''): Json {
  if (isList(value)) return value.map((element) => withoutNothing(element, part, `${path}/-`))
  if (!isObject(value)) return value
  const counted = part(path, value)
  if (counted !== undefined) return counted
  return entries(value, (key, inner) => {
    const rest = withoutNothing(inner, part, `${path}/${key}`)
    return isNothing(rest) ? undefined : rest
  })
}

function isNothing(value: Json): boolean {
  return isEmpty(value) || value === '' || value === 0 || value === false || (isList(value) && value.length === 0)
}
