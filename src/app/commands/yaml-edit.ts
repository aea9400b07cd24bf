import {
  type Document,
  isMap,
  isScalar,
  isSeq,
  type Node,
  Pair,
  parseAllDocuments,
  visit,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml'
import { isList, isObject, type Json, type JsonObject } from '../../core/json/value.ts'
import { KUBERNETES_YAML } from '../../core/settings/yaml.ts'
import { documentValue, isOfValue } from './parse-objects.ts'

/** One YAML document of a file: its value, and its text with another value put in its place. */
export interface EditableDocument {
  readonly value: unknown
  /** The document's text with `value` in its place: comments and order of everything else are kept. */
  readonly withValue: (value: JsonObject) => string
  /** the document as it stands in the file, to the byte: for what is left alone */
  readonly text: string
}

/**
 * The documents of a YAML text, to be changed without losing what people wrote around the values. `problem` is the first
 * error with line and column, if there is one.
 */
export function editableDocuments(text: string): {
  readonly documents: readonly EditableDocument[]
  readonly problem: Error | undefined
} {
  const parsed = parseAllDocuments(text, KUBERNETES_YAML)
  const all: readonly Document.Parsed[] = Array.isArray(parsed) ? parsed : []
  const problem = all.flatMap((document) => document.errors)[0]
  if (problem !== undefined) return { problem, documents: [] }
  const source = (index: number): string => text.slice(all[index - 1]?.range[2] ?? 0, all[index]?.range[2])
  try {
    return { problem, documents: all.map((document, index) => editable(document, source(index))) }
  } catch (error) {
    if (isOfValue(error)) return { problem: error, documents: [] }
    throw error
  }
}

function editable(document: Document.Parsed, source: string): EditableDocument {
  return {
    value: documentValue(document),
    text: source,
    withValue: (value) => {
      // flow YAML of one long line is what JSON would become, and older clients take it for broken JSON
      if (isJson(source)) return `${JSON.stringify(value, null, 2)}\n`
      if (hasAliases(document)) spellOut(document)
      const contents = document.contents
      if (isMap(contents)) editMap(document, contents, value)
      return document.toString({ lineWidth: 0 })
    },
  }
}

/** A change of a map that others take by an alias would change them, too. */
function spellOut(document: Document): void {
  document.contents = document.createNode(document.toJS({ maxAliasCount: 1000 }))
}

function hasAliases(document: Document): boolean {
  let found = false
  visit(document, {
    Alias: () => {
      found = true
      return visit.BREAK
    },
  })
  return found
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text.replace(/^\uFEFF/, ''))
    return true
  } catch {
    return false
  }
}

function editMap(document: Document, map: YAMLMap, after: JsonObject): void {
  for (const key of map.items.map(keyOf)) if (!(key in after)) map.delete(key)
  for (const [key, value] of Object.entries(after)) {
    if (value === undefined) continue
    const pair = map.items.find((item) => keyOf(item) === key)
    if (pair === undefined) map.items.push(new Pair(document.createNode(key), document.createNode(value)))
    else pair.value = edited(document, pair.value as Node | null, value)
  }
  // what was written on one line does not stay readable with containers in it
  if (
    map.flow === true &&
    map.items.length > 0 &&
    Object.values(after).some((value) => isList(value) && value.some(isObject))
  )
    map.flow = false
}

function editSeq(document: Document, seq: YAMLSeq, after: readonly Json[]): void {
  const before = seq.items as (Node | null)[]
  const taken = new Set<Node | null>()
  seq.items = after.map((value, index) => {
    const found =
      before.find((node) => !taken.has(node) && sameElement(document, node, value)) ??
      (nameOf(value) === undefined ? before[index] : undefined)
    if (found === undefined || taken.has(found)) return document.createNode(value)
    taken.add(found)
    return edited(document, found, value)
  })
  if (seq.items.length > before.length && after.some(isObject)) seq.flow = false
}

/** `node` changed into `value`, in place where both are of one kind; a new node otherwise. */
function edited(document: Document, node: Node | null, value: Json): Node {
  if (isMap(node) && isObject(value)) {
    editMap(document, node, value)
    return node
  }
  if (isSeq(node) && isList(value)) {
    editSeq(document, node, value)
    return node
  }
  if (isScalar(node) && node.value === value) return node
  const fresh = document.createNode(value)
  if (isScalar(node) && typeof node.comment === 'string') fresh.comment = node.comment
  return fresh
}

/** Elements are the same thing when they carry the same name, or say the same. */
function sameElement(document: Document, node: Node | null, value: Json): boolean {
  if (node === null) return value === null
  const there = node.toJS(document, { maxAliasCount: 1000 }) as unknown
  const name = nameOf(value)
  return name === undefined ? JSON.stringify(there) === JSON.stringify(value) : nameOf(there) === name
}

function nameOf(value: unknown): string | undefined {
  return isObject(value) && typeof value['name'] === 'string' ? value['name'] : undefined
}

function keyOf(pair: Pair): string {
  return isScalar(pair.key) ? String(pair.key.value) : String(pair.key)
}
