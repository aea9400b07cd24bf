import type { Json } from '../json/value.ts'
import { isList, isObject } from '../json/value.ts'

const OPERATORS = ['In', 'NotIn', 'Exists', 'DoesNotExist'] as const
type Operator = (typeof OPERATORS)[number]

/** One condition on the labels of an object; all conditions of a selector must hold. */
export interface Requirement {
  readonly key: string
  readonly operator: Operator
  readonly values: readonly string[]
}

/** A Kubernetes label selector, checked; no requirement at all matches everything. */
export type Selector = readonly Requirement[]

export type ParsedSelector =
  | { readonly is: 'selector'; readonly selector: Selector }
  | { readonly is: 'invalid'; readonly field: string; readonly problem: string }

/**
 * Reads a `metav1.LabelSelector` (matchLabels, matchExpressions) as the API server does: keys are qualified names, values
 * label values, `In` and `NotIn` need values, `Exists` and `DoesNotExist` must have none. Gives the first field that is
 * wrong and why; never throws.
 */
export function parseSelector(raw: unknown): ParsedSelector {
  try {
    if (!isObject(raw)) throw new SelectorProblem('', 'must be an object with matchLabels, matchExpressions or both')
    return {
      is: 'selector',
      selector: [...fromLabels(raw['matchLabels']), ...fromExpressions(raw['matchExpressions'])],
    }
  } catch (error) {
    if (error instanceof SelectorProblem) return { is: 'invalid', field: error.field, problem: error.message }
    throw error
  }
}

/** Do `labels` fulfil every requirement? `NotIn` holds where the label is absent, as in Kubernetes. */
export function matches(selector: Selector, labels: Readonly<Record<string, string>>): boolean {
  return selector.every((requirement) => fulfils(requirement, labels))
}

function fulfils({ key, operator, values }: Requirement, labels: Readonly<Record<string, string>>): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value)
    case 'NotIn':
      return value === undefined || !values.includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
  }
}

class SelectorProblem extends Error {
  readonly field: string

  constructor(field: string, message: string) {
    super(message)
    this.name = 'SelectorProblem'
    this.field = field
  }
}

function fromLabels(raw: Json | undefined): Requirement[] {
  if (raw === undefined || raw === null) return []
  if (!isObject(raw)) throw new SelectorProblem('matchLabels', 'must be an object of label values')
  return Object.entries(raw).map(([key, value]) => {
    const field = `matchLabels[${JSON.stringify(key)}]`
    return { key: checkedKey(key, field), operator: 'In', values: [checkedValue(value, field)] }
  })
}

function fromExpressions(raw: Json | undefined): Requirement[] {
  if (raw === undefined || raw === null) return []
  if (!isList(raw)) throw new SelectorProblem('matchExpressions', 'must be a list')
  return raw.map((entry, index) => fromExpression(entry, `matchExpressions[${index}]`))
}

function fromExpression(raw: Json, field: string): Requirement {
  if (!isObject(raw)) throw new SelectorProblem(field, 'must be an object with key, operator and values')
  const key = checkedKey(raw['key'], `${field}.key`)
  const operator = OPERATORS.find((known) => known === raw['operator'])
  if (operator === undefined) throw new SelectorProblem(`${field}.operator`, `must be one of ${OPERATORS.join(', ')}`)
  const values = checkedValues(raw['values'], `${field}.values`)
  const takesValues = operator === 'In' || operator === 'NotIn'
  if (takesValues && values.length === 0)
    throw new SelectorProblem(`${field}.values`, `must not be empty for ${operator}`)
  if (!takesValues && values.length > 0) throw new SelectorProblem(`${field}.values`, `must be empty for ${operator}`)
  return { key, operator, values }
}

function checkedValues(raw: Json | undefined, field: string): string[] {
  if (raw === undefined || raw === null) return []
  if (!isList(raw)) throw new SelectorProblem(field, 'must be a list of label values')
  return raw.map((value, index) => checkedValue(value, `${field}[${index}]`))
}

const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/
const DNS_SUBDOMAIN = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/
const NAME_LIMIT = 63
const PREFIX_LIMIT = 253

/** A qualified name: an optional DNS prefix with `/`, and a name of at most 63 characters. */
function checkedKey(raw: unknown, field: string): string {
  const parts = typeof raw === 'string' ? raw.split('/') : []
  const name = parts.at(-1) ?? ''
  const prefix = parts.length === 2 ? parts[0] : undefined
  const nameFits = NAME.test(name) && name.length <= NAME_LIMIT
  const prefixFits = prefix === undefined || (DNS_SUBDOMAIN.test(prefix) && prefix.length <= PREFIX_LIMIT)
  if (typeof raw !== 'string' || parts.length > 2 || !nameFits || !prefixFits)
    throw new SelectorProblem(field, 'is no label key: [prefix/]name of letters, digits, dots, dashes and underscores')
  return raw
}

function checkedValue(raw: unknown, field: string): string {
  if (typeof raw !== 'string' || raw.length > NAME_LIMIT || (raw !== '' && !NAME.test(raw)))
    throw new SelectorProblem(field, 'is no label value: up to 63 letters, digits, dots, dashes and underscores')
  return raw
}
