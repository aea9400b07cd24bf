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

const SHOWN_LIMIT = 100
const PLAIN = /^[A-Za-z0-9._/-]{0,100}$/

/**
 * The key or value of a label or annotation as a sentence may show it. Mutation comes before validation, so a request can
 * bring anything: what is not plain is quoted and cut.
 */
export function shown(value: string): string {
  if (PLAIN.test(value)) return value
  return JSON.stringify(value.length > SHOWN_LIMIT ? `${value.slice(0, SHOWN_LIMIT)}…` : value)
}
