import type { Json, JsonObject } from '../../json/value.ts'
import { isList, isObject, objectOr, objectsOf, stringMap, stringOr } from '../../json/value.ts'
import { wholeNumber } from './tolerations.ts'

/** What the selectors of a pod look at. */
interface Selectable {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
}

/** Which nodes the `nodeSelector` and the required node affinity of a pod allow. */
export interface NodeSelection {
  readonly allows: (node: Selectable) => boolean
  /** the only names that can be allowed, where the affinity names them (pods of a DaemonSet); else undefined */
  readonly names: readonly string[] | undefined
}

/**
 * Reads both selectors of a pod's spec as the scheduler does: all of `nodeSelector`, and any of the affinity's terms; an
 * empty term, and one that cannot be read, allows no node.
 */
export function nodeSelection(spec: JsonObject): NodeSelection {
  const selector = Object.entries(stringMap(spec['nodeSelector']))
  const required = requiredAffinity(spec)
  const terms = required === undefined ? undefined : objectsOf(required['nodeSelectorTerms']).map(termOf)
  return {
    allows: (node) =>
      selector.every(([key, value]) => own(node.labels, key) === value) &&
      (terms === undefined || terms.some((term) => term.allows(node))),
    names: namesOf(terms),
  }
}

/** `spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution`, if it is there. */
export function requiredAffinity(spec: JsonObject): JsonObject | undefined {
  const node = objectOr(objectOr(spec['affinity'])['nodeAffinity'])
  const required = node['requiredDuringSchedulingIgnoredDuringExecution']
  return isObject(required) ? required : undefined
}

interface Term {
  readonly allows: (node: Selectable) => boolean
  readonly name: string | undefined
}

function termOf(raw: JsonObject): Term {
  const expressions = objectsOf(raw['matchExpressions'])
  const fields = objectsOf(raw['matchFields'])
  if (expressions.length + fields.length === 0) return { allows: () => false, name: undefined }
  const requirements = [
    ...expressions.map((one) => {
      const key = stringOr(one['key']) ?? ''
      const fits = labelTest(one['operator'], texts(one['values']))
      return (node: Selectable): boolean => fits(own(node.labels, key))
    }),
    ...fields.map((one) => {
      const fits = nameTest(one)
      return (node: Selectable): boolean => fits(node.name)
    }),
  ]
  const named = fields.find(({ operator }) => operator === 'In')
  return {
    allows: (node) => requirements.every((fits) => fits(node)),
    name: named === undefined ? undefined : texts(named['values'])[0],
  }
}

/** `metadata.name` is the only field there is, with `In` and `NotIn` and one value. */
function nameTest({ key, operator, values }: JsonObject): (name: string) => boolean {
  const names = texts(values)
  if (key !== 'metadata.name' || names.length !== 1) return () => false
  if (operator === 'In') return (name) => name === names[0]
  return operator === 'NotIn' ? (name) => name !== names[0] : () => false
}

function labelTest(operator: Json | undefined, values: readonly string[]): (value: string | undefined) => boolean {
  switch (operator) {
    case 'In':
      return (value) => value !== undefined && values.includes(value)
    case 'NotIn':
      return (value) => value === undefined || !values.includes(value)
    case 'Exists':
      return (value) => value !== undefined
    case 'DoesNotExist':
      return (value) => value === undefined
    case 'Gt':
      return (value) => value !== undefined && wholeNumber(value) > wholeNumber(values[0] ?? '')
    case 'Lt':
      return (value) => value !== undefined && wholeNumber(value) < wholeNumber(values[0] ?? '')
    default:
      return () => false
  }
}

function namesOf(terms: readonly Term[] | undefined): readonly string[] | undefined {
  const names = terms?.map(({ name }) => name)
  return names?.every((name) => name !== undefined) === true ? [...new Set(names)] : undefined
}

function texts(list: Json | undefined): readonly string[] {
  return isList(list) ? list.filter((entry) => typeof entry === 'string') : []
}

function own(labels: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined
}
