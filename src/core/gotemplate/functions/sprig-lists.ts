import { stringify } from '../../json/parse.ts'
import { isMap, toJson, type Value, type ValueMap } from '../value.ts'
import { count, list, map, text } from './arguments.ts'
import { fixed, FunctionProblem, type TemplateFunction, variadic } from './function.ts'

/** A list that a template counts out has no more elements than any pod could need. */
const MAX_COUNTED = 10_000

/** Sprig's functions of lists and maps. What would change its argument in place is left out. */
export const SPRIG_LISTS: Readonly<Record<string, TemplateFunction>> = {
  list: variadic(0, (values) => values),
  first: fixed(1, ([values]) => list(values)[0]),
  last: fixed(1, ([values]) => list(values).at(-1)),
  rest: fixed(1, ([values]) => list(values).slice(1)),
  initial: fixed(1, ([values]) => list(values).slice(0, -1)),
  append: fixed(2, ([values, value]) => [...list(values), value]),
  prepend: fixed(2, ([values, value]) => [value, ...list(values)]),
  concat: variadic(1, (lists) => lists.flatMap((values) => list(values))),
  reverse: fixed(1, ([values]) => list(values).toReversed()),
  uniq: fixed(1, ([values]) => [...new Map(list(values).map((value) => [key(value), value])).values()]),
  compact: fixed(1, ([values]) =>
    list(values).filter((value) => !['null', '""', '0', 'false', '[]', '{}'].includes(key(value))),
  ),
  without: variadic(1, ([values, ...unwanted]) => {
    const keys = new Set(unwanted.map(key))
    return list(values).filter((value) => !keys.has(key(value)))
  }),
  has: fixed(2, ([value, values]) => list(values).some((entry) => key(entry) === key(value))),
  until: fixed(1, ([end]) => counted(0, count(end), count(end) < 0 ? -1 : 1)),
  untilStep: fixed(3, ([start, end, step]) => counted(count(start), count(end), count(step))),
  dict: variadic(0, (values) => pairs(values)),
  get: fixed(2, ([values, name]) => entry(map(values), text(name)) ?? ''),
  hasKey: fixed(2, ([values, name]) => Object.hasOwn(map(values), text(name))),
  keys: variadic(1, (maps) => maps.flatMap((values) => Object.keys(map(values)).toSorted())),
  values: fixed(1, ([values]) =>
    Object.keys(map(values))
      .toSorted()
      .map((name) => entry(map(values), name)),
  ),
  pick: variadic(1, ([values, ...names]) => chosen(map(values), names, true)),
  omit: variadic(1, ([values, ...names]) => chosen(map(values), names, false)),
  pluck: variadic(1, ([name, ...maps]) => {
    return maps
      .filter((values) => Object.hasOwn(map(values), text(name)))
      .map((values) => entry(map(values), text(name)))
  }),
  dig: variadic(3, (values) => dug(values)),
}

/** Two values are the same if their JSON is. */
function key(value: Value): string {
  return stringify(toJson(value))
}

function entry(values: ValueMap, name: string): Value {
  return Object.hasOwn(values, name) ? values[name] : undefined
}

function counted(start: number, end: number, step: number): Value {
  if (step === 0 || (end - start) * step <= 0) return []
  const length = Math.ceil((end - start) / step)
  if (length > MAX_COUNTED) throw new FunctionProblem(`counts no further than ${MAX_COUNTED}`)
  return Array.from({ length }, (_, index) => start + index * step)
}

/** The last of two equal keys counts; a key without value gets the empty text. */
function pairs(values: readonly Value[]): ValueMap {
  const names = values.filter((_, index) => index % 2 === 0)
  return Object.fromEntries(
    names.map((name, index) => [text(name), 2 * index + 1 < values.length ? values[2 * index + 1] : '']),
  )
}

function chosen(values: ValueMap, names: readonly Value[], keep: boolean): ValueMap {
  const wanted = new Set(names.map(text))
  return Object.fromEntries(Object.entries(values).filter(([name]) => wanted.has(name) === keep))
}

/** `dig "a" "b" default $map` */
function dug(values: readonly Value[]): Value {
  let here: Value = values.at(-1)
  for (const name of values.slice(0, -2)) {
    if (!isMap(here) || !Object.hasOwn(here, text(name))) return values.at(-2)
    here = entry(here, text(name))
  }
  return here
}
