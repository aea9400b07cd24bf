import { isMap, parseAllDocuments } from 'yaml'
import { isObject, type JsonObject } from '../../core/json/value.ts'
import { UsageError } from './command.ts'

/**
 * The objects of a text with one or more YAML documents (JSON is YAML); the items of a `v1` List stand for themselves.
 * Empty documents are passed over. Throws UsageError with file, line and column where it is no YAML, or no object.
 */
export function parseObjects(text: string, path: string): readonly JsonObject[] {
  const objects: JsonObject[] = []
  for (const document of parseAllDocuments(text, { uniqueKeys: false })) {
    const problem = 'errors' in document ? document.errors[0] : undefined
    if (problem !== undefined) throw new UsageError(`${path} is no YAML: ${problem.message.split('\n')[0] ?? ''}`)
    if (!('contents' in document) || document.contents === null) continue
    if (!isMap(document.contents))
      throw new UsageError(
        `${path} holds a document that is no object; a Kubernetes object starts with apiVersion and kind`,
      )
    const value: unknown = document.toJS({ maxAliasCount: 1000 })
    if (isObject(value)) objects.push(...itemsOf(value))
  }
  return objects
}

function itemsOf(object: JsonObject): readonly JsonObject[] {
  const items = object['items']
  return object['kind'] === 'List' && Array.isArray(items) ? items.filter(isObject) : [object]
}
