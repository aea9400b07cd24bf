import { isList, isObject } from '../json/value.ts'
import { ISTIO_LABELS } from '../vocabulary/names.ts'
import { matches, parseSelector, type Selector } from './label-selector.ts'
import { SettingsError } from './settings-error.ts'

/** One way to be asked into ambient: the labels of a pod and of its namespace that must hold together (cni.md §5.1). */
export interface EnablementSelector {
  readonly pod: Selector
  readonly namespace: Selector
}

const MODE = ISTIO_LABELS.dataplaneMode

/** What Istio's chart sets: the pod's own label, or the namespace's where the pod does not refuse. */
export const DEFAULT_ENABLEMENT: readonly EnablementSelector[] = [
  { pod: [{ key: MODE, operator: 'In', values: ['ambient'] }], namespace: [] },
  {
    pod: [{ key: MODE, operator: 'NotIn', values: ['none'] }],
    namespace: [{ key: MODE, operator: 'In', values: ['ambient'] }],
  },
]

type Labels = Readonly<Record<string, string>>

/** Do these labels ask for ambient? */
export function asksForAmbient(enablement: readonly EnablementSelector[], pod: Labels, namespace: Labels): boolean {
  return enablement.some((one) => matches(one.pod, pod) && matches(one.namespace, namespace))
}

/** Would they, if the pod had the label for ambient, which the webhook gives to those that it brings in? */
export function mayAskForAmbient(enablement: readonly EnablementSelector[], pod: Labels, namespace: Labels): boolean {
  return asksForAmbient(enablement, { ...pod, [MODE]: 'ambient' }, namespace)
}

const FIELDS = ['podSelector', 'namespaceSelector'] as const

/**
 * A list of `{podSelector, namespaceSelector}`, where an absent selector matches everything; `field` names it in errors. Throws a
 * SettingsError for what is no such list: a misspelt condition must not pass for none.
 */
export function enablementOf(value: unknown, field: string): readonly EnablementSelector[] {
  if (!isList(value)) throw new SettingsError(field, 'must be a list of selector pairs')
  return value.map((entry, index) => {
    const at = `${field}[${index}]`
    if (!isObject(entry)) throw new SettingsError(at, `must be an object with ${FIELDS.join(' and ')}`)
    const unknown = Object.keys(entry).find((key) => !FIELDS.some((one) => one === key))
    if (unknown !== undefined) throw new SettingsError(`${at}.${unknown}`, `is not known here: ${FIELDS.join(', ')}`)
    const selector = (one: (typeof FIELDS)[number]): Selector => {
      const parsed = parseSelector(entry[one] ?? {})
      if (parsed.is === 'selector') return parsed.selector
      throw new SettingsError([at, one, parsed.field].filter((part) => part !== '').join('.'), parsed.problem)
    }
    return { pod: selector('podSelector'), namespace: selector('namespaceSelector') }
  })
}
