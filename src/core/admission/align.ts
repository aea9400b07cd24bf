import { stringify } from '../json/parse.ts'
import { isObject, type Json } from '../json/value.ts'

/** Which elements of one list stand in another. */
export interface Alignment {
  /** indices of the first list whose element is not in the second at its place, ascending */
  readonly removed: readonly number[]
  /** for each index of the second list the index in the first that it is made from; undefined for a new element */
  readonly origin: readonly (number | undefined)[]
}

/**
 * Aligns two lists: elements with the same key keep their place as long as their order is the same; the fewest possible are
 * taken out for a new order. Where elements have no names, what lies between two kept ones is paired off in order, so that
 * a changed element is changed in place.
 */
export function align(before: readonly Json[], after: readonly Json[]): Alignment {
  const named = haveNames(before) && haveNames(after)
  const keyOf = named ? nameOf : stringify
  const places = placesByKey(before, keyOf)
  const found = after.map((element) => places.get(keyOf(element))?.shift())
  const origin = inOrder(found)
  if (!named) pairOff(origin, before.length)
  const kept = new Set(origin)
  return { removed: [...before.keys()].filter((index) => !kept.has(index)), origin }
}

/** Is each an object with a name of its own? */
function haveNames(list: readonly Json[]): boolean {
  const names = new Set(list.map((element) => (isObject(element) ? element['name'] : undefined)))
  return names.size === list.length && [...names].every((name) => typeof name === 'string')
}

function nameOf(element: Json): string {
  return (element as { readonly name: string }).name
}

/** For each key its indices, ascending: equal elements are used up from the front. */
function placesByKey(list: readonly Json[], keyOf: (element: Json) => string): Map<string, number[]> {
  const places = new Map<string, number[]>()
  for (const [index, element] of list.entries()) {
    const key = keyOf(element)
    const known = places.get(key)
    if (known === undefined) places.set(key, [index])
    else known.push(index)
  }
  return places
}

/** `found` with all but a longest ascending subsequence made undefined (patience sorting). */
function inOrder(found: readonly (number | undefined)[]): (number | undefined)[] {
  const tails: number[] = [] // tails[n]: position in `found` where the best ascending run of n + 1 ends
  const previous = new Map<number, number | undefined>()
  for (const [position, index] of found.entries()) {
    if (index === undefined) continue
    const length = firstNotBelow(tails, found, index)
    previous.set(position, length === 0 ? undefined : tails[length - 1])
    tails[length] = position
  }
  const kept: (number | undefined)[] = found.map(() => undefined)
  for (let position = tails.at(-1); position !== undefined; position = previous.get(position))
    kept[position] = found[position]
  return kept
}

/** How many of the runs in `tails` end below `index`: found by halving, as their ends ascend. */
function firstNotBelow(tails: readonly number[], found: readonly (number | undefined)[], index: number): number {
  let low = 0
  let high = tails.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((found[tails[middle] as number] as number) < index) low = middle + 1
    else high = middle
  }
  return low
}

/** Fills gaps of `origin` with the elements of the first list that lie unused in the same gap, in order. */
function pairOff(origin: (number | undefined)[], length: number): void {
  let next = 0
  for (let start = 0; start <= origin.length;) {
    let end = start
    while (end < origin.length && origin[end] === undefined) end++
    const limit = origin[end] ?? length
    for (let position = start; position < end && next < limit; position++) origin[position] = next++
    next = limit + 1
    start = end + 1
  }
}
