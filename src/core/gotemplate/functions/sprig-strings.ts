import { MAX_OUTPUT } from '../limits.ts'
import { printed } from '../print.ts'
import { isValueList, type Value } from '../value.ts'
import { count, list, text } from './arguments.ts'
import { fixed, FunctionProblem, type TemplateFunction, variadic } from './function.ts'

/** Sprig's functions of text; the text comes last, so that it can be piped in. */
export const SPRIG_STRINGS: Readonly<Record<string, TemplateFunction>> = {
  trim: fixed(1, ([value]) => text(value).trim()),
  trimAll: fixed(2, ([signs, value]) => trimmed(text(value), text(signs))),
  trimPrefix: fixed(2, ([prefix, value]) => {
    return text(value).startsWith(text(prefix)) ? text(value).slice(text(prefix).length) : text(value)
  }),
  trimSuffix: fixed(2, ([suffix, value]) => {
    return text(value).endsWith(text(suffix))
      ? text(value).slice(0, text(value).length - text(suffix).length)
      : text(value)
  }),
  upper: fixed(1, ([value]) => text(value).toUpperCase()),
  lower: fixed(1, ([value]) => text(value).toLowerCase()),
  title: fixed(1, ([value]) => text(value).replaceAll(/(^|[^\p{L}\p{N}_'])(\p{L})/gu, (word) => word.toUpperCase())),
  untitle: fixed(1, ([value]) => text(value).replaceAll(/(^|\s)(\p{L})/gu, (word) => word.toLowerCase())),
  repeat: fixed(2, ([times, value]) => repeated(text(value), count(times))),
  substr: fixed(3, ([from, to, value]) => substring(text(value), count(from), count(to))),
  nospace: fixed(1, ([value]) => text(value).replaceAll(/\s/g, '')),
  trunc: fixed(2, ([length, value]) => truncated(text(value), count(length))),
  contains: fixed(2, ([part, value]) => text(value).includes(text(part))),
  hasPrefix: fixed(2, ([prefix, value]) => text(value).startsWith(text(prefix))),
  hasSuffix: fixed(2, ([suffix, value]) => text(value).endsWith(text(suffix))),
  quote: variadic(0, (values) => each(values, (value) => JSON.stringify(printed(value)))),
  squote: variadic(0, (values) => each(values, (value) => `'${printed(value)}'`)),
  cat: variadic(0, (values) => each(values, printed)),
  indent: fixed(2, ([width, value]) => indented(text(value), count(width))),
  nindent: fixed(2, ([width, value]) => `\n${indented(text(value), count(width))}`),
  replace: fixed(3, ([from, to, value]) => replaced(text(value), text(from), text(to))),
  splitList: fixed(2, ([separator, value]) => text(value).split(text(separator))),
  split: fixed(2, ([separator, value]) => {
    return Object.fromEntries(
      text(value)
        .split(text(separator))
        .map((part, index) => [`_${index}`, part]),
    )
  }),
  join: fixed(2, ([separator, values]) => strings(values).join(text(separator))),
  sortAlpha: fixed(1, ([values]) => strings(values).toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))),
  toString: fixed(1, ([value]) => printed(value)),
  toStrings: fixed(1, ([values]) => strings(values)),
}

/** The texts of a list, nulls left out; of one value that is no list, its own. */
function strings(value: Value): readonly string[] {
  if (value !== undefined && value !== null && !isValueList(value)) return [printed(value)]
  return list(value)
    .filter((entry) => entry !== null && entry !== undefined)
    .map(printed)
}

function each(values: readonly Value[], change: (value: Value) => string): string {
  return values
    .filter((value) => value !== null && value !== undefined)
    .map(change)
    .join(' ')
}

function trimmed(value: string, signs: string): string {
  let [from, to] = [0, value.length]
  while (from < to && signs.includes(value.charAt(from))) from++
  while (to > from && signs.includes(value.charAt(to - 1))) to--
  return value.slice(from, to)
}

/** Before it is made: a result that is too large must not be built first. */
function checked(length: number): void {
  if (length > MAX_OUTPUT) throw new FunctionProblem('the result is too large')
}

function repeated(value: string, times: number): string {
  if (times < 0) throw new FunctionProblem('cannot repeat less than no times')
  checked(value.length * times)
  return value.repeat(times)
}

function replaced(value: string, from: string, to: string): string {
  const parts = value.split(from)
  checked(value.length + to.length * parts.length)
  return from === '' ? to + parts.map((part) => part + to).join('') : parts.join(to)
}

/** A negative start is 0, a negative end the end of the text. */
function substring(value: string, from: number, to: number): string {
  if (from < 0) return value.slice(0, to)
  return to < 0 || to > value.length ? value.slice(from) : value.slice(from, to)
}

/** A negative length keeps the end of the text. */
function truncated(value: string, length: number): string {
  if (length >= 0) return value.slice(0, length)
  return value.length > -length ? value.slice(value.length + length) : value
}

function indented(value: string, width: number): string {
  if (width < 0 || width > 1000) throw new FunctionProblem('indents by 0 to 1000 spaces')
  const lines = value.split('\n')
  checked(value.length + lines.length * width)
  return lines.map((line) => ' '.repeat(width) + line).join('\n')
}
