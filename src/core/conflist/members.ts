import { endOfString } from '../json/scan.ts'

/** Where something stands in a text: from `start` up to, not including, `end`. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** A member of an object: `key` as JSON means it, the places of the key with its quotes and of the value. */
export interface Member {
  readonly key: string
  readonly keySpan: Span
  readonly value: Span
}

const SPACE = /[\t\n\r ]*/y

/** The members of the object that `text` is, in order, a repeated key each time. `text` must be JSON and an object. */
export function membersOf(text: string): readonly Member[] {
  const members: Member[] = []
  let at = afterSpace(text, afterSpace(text, 0) + 1)
  while (text[at] === '"') {
    const keySpan = { start: at, end: endOfString(text, at) + 1 }
    const start = afterSpace(text, afterSpace(text, keySpan.end) + 1)
    const value = { start, end: endOfValue(text, start) }
    members.push({ key: JSON.parse(text.slice(keySpan.start, keySpan.end)) as string, keySpan, value })
    at = afterSeparator(text, value.end)
  }
  return members
}

/** The elements of the list that stands at `list` in `text`. */
export function elementsOf(text: string, list: Span): readonly Span[] {
  const elements: Span[] = []
  let at = afterSpace(text, list.start + 1)
  while (at < list.end - 1) {
    const element = { start: at, end: endOfValue(text, at) }
    elements.push(element)
    at = afterSeparator(text, element.end)
  }
  return elements
}

/** `text` at `span`. */
export function cut(text: string, span: Span): string {
  return text.slice(span.start, span.end)
}

function afterSpace(text: string, at: number): number {
  SPACE.lastIndex = at
  SPACE.test(text)
  return SPACE.lastIndex
}

/** Past white space and, if there is one, a comma with the white space behind it. */
function afterSeparator(text: string, from: number): number {
  const at = afterSpace(text, from)
  return text[at] === ',' ? afterSpace(text, at + 1) : at
}

/** By counting brackets and not by recursion: depth is the owner's. */
function endOfValue(text: string, start: number): number {
  let open = 0
  for (let at = start; at < text.length; at++) {
    const char = text[at]
    if (char === '"') at = endOfString(text, at)
    else if (char === '{' || char === '[') open++
    else if (char === '}' || char === ']') open--
    else if (open > 0 || !/[,\s]/.test(char ?? '')) continue
    else return at
    if (open === 0 && (char === '"' || char === '}' || char === ']')) return at + 1
    if (open < 0) return at
  }
  return text.length
}
