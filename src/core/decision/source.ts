/** Where a label or setting stands that took part in a decision, and how it is named to people. */
export interface Source {
  readonly place: 'pod' | 'namespace' | 'injector' | 'policy'
  readonly text: string
}

/** A label of the pod or of its namespace as a source. */
export function labelSource(
  place: 'pod' | 'namespace',
  key: string,
  value: string,
  kind: 'label' | 'annotation' = 'label',
): Source {
  return { place, text: `the ${place}'s ${kind} ${key}=${shown(value)}` }
}

const SHOWN_LIMIT = 63
const PLAIN = /^[A-Za-z0-9._-]{0,63}$/

/**
 * A label's or annotation's value as a sentence may show it. Mutation comes before validation, so a request can bring
 * anything as a value: what is no label value is quoted and cut.
 */
export function shown(value: string): string {
  if (PLAIN.test(value)) return value
  return JSON.stringify(value.length > SHOWN_LIMIT ? `${value.slice(0, SHOWN_LIMIT)}…` : value)
}
