import { isList, isObject, type Json } from '../../../src/core/json/value.ts'

const LONGEST = 400

/**
 * Where two JSON values differ, one line for each place: the path, what was expected, what came. Lists are compared in
 * order; elements are named where they have a name, so that a line can be read without counting.
 */
export function jsonDifferences(expected: Json | undefined, actual: Json | undefined, path = ''): readonly string[] {
  if (isObject(expected) && isObject(actual)) {
    const keys = [...new Set([...Object.keys(expected), ...Object.keys(actual)])].sort()
    return keys.flatMap((key) => jsonDifferences(own(expected, key), own(actual, key), below(path, key)))
  }
  if (isList(expected) && isList(actual)) return listDifferences(expected, actual, path)
  return same(expected, actual) ? [] : [`${path}: expected ${show(expected)}, got ${show(actual)}`]
}

function listDifferences(expected: readonly Json[], actual: readonly Json[], path: string): readonly string[] {
  const names = [expected.map(nameOf), actual.map(nameOf)] as const
  const named = names.every((list) => list.every((name) => name !== undefined) && new Set(list).size === list.length)
  if (!named || names[0].join('\n') === names[1].join('\n')) {
    const length = Math.max(expected.length, actual.length)
    return Array.from({ length }, (_, index) => index).flatMap((index) =>
      jsonDifferences(expected[index], actual[index], `${path}[${index}${label(expected[index] ?? actual[index])}]`),
    )
  }
  const line = `${path}: expected the elements ${names[0].join(', ')}; got ${names[1].join(', ')}`
  const shared = expected.flatMap((element) => {
    const other = actual.find((candidate) => nameOf(candidate) === nameOf(element))
    return other === undefined ? [] : jsonDifferences(element, other, `${path}[${nameOf(element) ?? ''}]`)
  })
  return [line, ...shared]
}

/** By the text of JSON, so that a number kept as its digits compares by these. */
function same(a: Json | undefined, b: Json | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

function own(object: { readonly [key: string]: Json | undefined }, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined
}

function nameOf(value: Json | undefined): string | undefined {
  return isObject(value) && typeof value['name'] === 'string' ? value['name'] : undefined
}

function label(value: Json | undefined): string {
  const name = nameOf(value)
  return name === undefined ? '' : ` ${name}`
}

function below(path: string, key: string): string {
  const word = /^[A-Za-z0-9_-]+$/.test(key) ? key : `'${key}'`
  return path === '' ? word : `${path}.${word}`
}

function show(value: Json | undefined): string {
  if (value === undefined) return 'nothing'
  const text = JSON.stringify(value)
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}… (${text.length} characters)`
}
