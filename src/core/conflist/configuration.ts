import { isList, isObject, type Json, type JsonObject, objectsOf, stringOr } from '../json/value.ts'
import { cut, elementsOf, membersOf, type Span } from './members.ts'

/** A list of plugins, where they stand in the text and what they say; the runtimes take a repeated key's last value. */
export interface ListConfiguration {
  readonly is: 'list'
  readonly plugins: readonly { readonly span: Span; readonly value: JsonObject }[]
  /** of the brackets around the plugins */
  readonly span: Span
}

/** A configuration of one plugin, as older ones are. */
export interface SingleConfiguration {
  readonly is: 'single'
  readonly value: JsonObject
}

/** What a runtime makes of a file; `problem` completes "the file …". */
export type Configuration =
  ListConfiguration | SingleConfiguration | { readonly is: 'unusable'; readonly problem: string }

/** Which of the two a name promises: `.conflist` a list, `.conf` and `.json` one plugin; another name promises nothing. */
export type Form = 'list' | 'single' | 'either'

/** more than any real one by far; a runtime reads it at each change of the directory */
export const MAX_TEXT = 1 << 20

const BYTE_ORDER_MARK = /^(?:\ufeff|\xef\xbb\xbf)/

/** Reads `text` as libcni does for containerd and CRI-O, which use only what passes all of this. */
export function readConfiguration(text: string, form: Form): Configuration {
  if (text.length > MAX_TEXT) return unusable(`is larger than ${MAX_TEXT} bytes`)
  if (text.trim() === '') return unusable('is empty')
  if (BYTE_ORDER_MARK.test(text)) return unusable('begins with a byte order mark, which the runtimes take for bad JSON')
  const value = parsed(text)
  if (value === undefined) return unusable('is not JSON')
  if (!isObject(value)) return unusable('is not a JSON object')
  const asList = form === 'list' || (form === 'either' && own(value, 'plugins') !== undefined)
  // Go leaves a string as it is where JSON says null, which libcni allows in a configuration of one plugin alone
  const noText = ['cniVersion', 'name'].find((key) => !isText(own(value, key)) && (asList || own(value, key) !== null))
  if (noText !== undefined) return unusable(`has a ${noText} that is no text`)
  return asList ? listOf(text, value) : singleOf(value)
}

function listOf(text: string, value: JsonObject): Configuration {
  if (stringOr(own(value, 'name')) === undefined) return unusable('has no name')
  const plugins = own(value, 'plugins')
  if (!isList(plugins) || plugins.length === 0) return unusable('has no plugins')
  if (objectsOf(plugins).filter((plugin) => typeOf(plugin) !== '').length < plugins.length)
    return unusable('has a plugin without a type')
  const { value: span = { start: 0, end: 0 } } = membersOf(text).findLast(({ key }) => key === 'plugins') ?? {}
  return {
    is: 'list',
    span,
    plugins: elementsOf(text, span).map((one) => ({ span: one, value: JSON.parse(cut(text, one)) as JsonObject })),
  }
}

function singleOf(value: JsonObject): Configuration {
  return typeOf(value) === '' ? unusable('has no type') : { is: 'single', value }
}

/** The type of a plugin: the name of its executable. */
export function typeOf(plugin: JsonObject): string {
  return stringOr(own(plugin, 'type')) ?? ''
}

function isText(value: Json | undefined): boolean {
  return value === undefined || typeof value === 'string'
}

function own(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined
}

function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}

function unusable(problem: string): Configuration {
  return { is: 'unusable', problem }
}
