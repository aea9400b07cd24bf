import { deepEqual } from '../json/equal.ts'
import type { JsonObject } from '../json/value.ts'
import { type ListConfiguration, readConfiguration, typeOf } from './configuration.ts'
import { cut, type Span } from './members.ts'

/**
 * `text`, a list of plugins, with `entry` as its last plugin and as the only one of its type. The same text where that is so
 * already; else nothing is touched but our own entries and the one comma before them.
 */
export function withEntry(text: string, entry: JsonObject): string {
  if (hasEntry(text, entry)) return text
  const bare = withoutEntries(text, typeOf(entry))
  const list = listIn(bare)
  const last = list?.plugins.at(-1)
  if (list === undefined || last === undefined) return text
  const gap = gapBefore(bare, list, list.plugins.length - 1)
  return `${bare.slice(0, last.span.end)},${gap}${printed(entry, gap, cut(bare, last.span))}${bare.slice(last.span.end)}`
}

/** Is `entry` the last plugin of the list `text`, with nothing added or taken away, and the only one of its type? */
export function hasEntry(text: string, entry: JsonObject): boolean {
  const plugins = listIn(text)?.plugins ?? []
  const ours = plugins.filter(({ value }) => typeOf(value) === typeOf(entry))
  const [only] = ours
  return ours.length === 1 && only === plugins.at(-1) && deepEqual(only?.value, entry)
}

/** The plugins of the list `text` that are of `type`, in order. */
export function entriesIn(text: string, type: string): readonly JsonObject[] {
  return (listIn(text)?.plugins ?? []).map(({ value }) => value).filter((value) => typeOf(value) === type)
}

/** `text` without the plugins of `type`: the inverse of `withEntry`, byte for byte. */
export function withoutEntries(text: string, type: string): string {
  const list = listIn(text)
  const at = list?.plugins.findIndex(({ value }) => typeOf(value) === type) ?? -1
  if (list === undefined || at === -1) return text
  const gone = spanToCut(list, at)
  const rest = text.slice(0, gone.start) + text.slice(gone.end)
  // ends: each turn takes one of finitely many plugins
  return withoutEntries(rest, type)
}

/** A plugin goes with the comma before it; the first one with the comma behind it. */
function spanToCut({ plugins, span }: ListConfiguration, at: number): Span {
  const before = plugins[at - 1]
  const next = plugins[at + 1]
  const here = plugins[at]?.span ?? span
  if (before !== undefined) return { start: before.span.end, end: here.end }
  return { start: here.start, end: next?.span.start ?? here.end }
}

/** The white space that the owner puts before the plugin at `at`. */
function gapBefore(text: string, { plugins, span }: ListConfiguration, at: number): string {
  const from = plugins[at - 1]?.span.end ?? span.start
  const gap = text.slice(from, plugins[at]?.span.start ?? from)
  return gap.replace(/[^\t\n\r ]/g, '')
}

/** `entry` in the owner's manner: on one line, or indented as its neighbour is, with the same line ends. */
function printed(entry: JsonObject, gap: string, neighbour: string): string {
  const lineEnd = gap.includes('\r\n') ? '\r\n' : '\n'
  if (!gap.includes('\n')) return ascii(JSON.stringify(entry))
  const base = gap.slice(gap.lastIndexOf('\n') + 1)
  const inner = /\n([\t ]*)\S/.exec(neighbour)?.[1] ?? ''
  const step = inner.startsWith(base) && inner !== base ? inner.slice(base.length) : '  '
  return ascii(JSON.stringify(entry, null, step)).replaceAll('\n', lineEnd + base)
}

/** Files are read byte for byte, whatever their encoding: what is added must mean the same in each. */
function ascii(json: string): string {
  return json.replace(/[^\x20-\x7e\n\t]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function listIn(text: string): ListConfiguration | undefined {
  const read = readConfiguration(text, 'list')
  return read.is === 'list' ? read : undefined
}
