import { type Document, isMap, isScalar, parseAllDocuments } from 'yaml'
import { misshapen } from '../../core/explain/pod-shape.ts'
import { strangerIn } from '../../core/intent/document.ts'
import { isObject, type JsonObject } from '../../core/json/value.ts'
import { finite, KUBERNETES_YAML } from '../../core/settings/yaml.ts'
import { UsageError } from './command.ts'
import type { InputFile } from './input.ts'

/**
 * The objects of a text with one or more YAML documents (JSON is YAML); the items of a `v1` List stand for themselves.
 * Empty documents are passed over. Throws UsageError with file, line and column where it is no YAML, or no object.
 */
export function parseObjects({ name, text }: InputFile): readonly JsonObject[] {
  const objects: JsonObject[] = []
  for (const document of parseAllDocuments(text, KUBERNETES_YAML)) {
    const problem = 'errors' in document ? document.errors[0] : undefined
    if (problem !== undefined) throw notYaml(name, problem)
    if (!('contents' in document) || isNothing(document.contents)) continue
    if (!isMap(document.contents)) throw notAnObject(name)
    const value = valueOf(name, document)
    if (isObject(value)) objects.push(...itemsOf(value))
  }
  return objects
}

/** The one object of a file, which is the pod or the configuration that a command is about. */
export function parsePodOrConfiguration(file: InputFile): JsonObject {
  const [document, second] = parseObjects(file)
  if (document === undefined || second !== undefined)
    throw new UsageError(`${file.name} must hold one pod or configuration`)
  const stranger = strangerIn(document)
  if (stranger !== undefined)
    throw new UsageError(
      `${file.name} holds ${stranger}; what is wanted is a pod, or a configuration of redirection (mode: sidecar, ambient-pod or ambient-host, and config)`,
    )
  const problem = misshapen(document)
  if (problem !== undefined) throw new UsageError(`${file.name}: ${problem}`)
  return document
}

function valueOf(name: string, document: Document.Parsed): unknown {
  try {
    return documentValue(document)
  } catch (error) {
    throw isOfValue(error) ? notYaml(name, error) : error
  }
}

/** The value of a document. Throws an error of `isOfValue` where an alias means nothing or itself, or where it would become too large. */
export function documentValue(document: Document.Parsed): unknown {
  return finite(document.toJS({ maxAliasCount: 1000 }) as unknown)
}

/** Is it an error of the text, of which its author should hear? */
export function isOfValue(error: unknown): error is Error {
  return error instanceof ReferenceError || error instanceof RangeError
}

/** Says where the file `name` stops being YAML, and why. */
export function notYaml(name: string, { message }: Error): UsageError {
  return new UsageError(`${name} is no YAML: ${(message.split('\n')[0] ?? '').replace(/:$/, '')}`)
}

/** Says that a document of the file `name` is a text, a list or a number. */
export function notAnObject(name: string): UsageError {
  return new UsageError(
    `${name} holds a document that is no object; a Kubernetes object starts with apiVersion and kind`,
  )
}

function isNothing(contents: unknown): boolean {
  return contents === null || (isScalar(contents) && contents.value === null)
}

function itemsOf(object: JsonObject): readonly JsonObject[] {
  const items = object['items']
  return object['kind'] === 'List' && Array.isArray(items) ? items.filter(isObject) : [object]
}
