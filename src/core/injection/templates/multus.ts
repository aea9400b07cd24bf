import { embeddedJson } from '../../json/parse.ts'
import { isList, isObject } from '../../json/value.ts'
import { trimmed } from '../../vocabulary/grammars.ts'

const NAME = 'istio-cni'
const NAMESPACE = 'default'
const SHORT = `${NAMESPACE}/${NAME}`
const LONG = `{"name": "${NAME}", "namespace": "${NAMESPACE}"}`

/** What the annotation of Multus' networks becomes; `malformed` where it cannot take another network. */
export interface MultusNetworks {
  readonly networks: string
  readonly malformed: boolean
}

/**
 * `existing` with Istio's network, unless it is there (injector.md §9). An empty JSON list becomes a valid list of one
 * (quirk 31); what looks like a list but cannot be read stays as it is.
 */
export function multusNetworks(existing: string): MultusNetworks {
  if (existing === '') return { networks: SHORT, malformed: false }
  const end = existing.lastIndexOf(']')
  if (end < 0) {
    const there = existing.split(',').map(trimmed).includes(SHORT)
    return { networks: there ? existing : `${existing}, ${SHORT}`, malformed: false }
  }
  const networks = embeddedJson(existing)
  if (!isList(networks) || !networks.every(isObject)) return { networks: existing, malformed: true }
  if (networks.some((network) => network['name'] === NAME && network['namespace'] === NAMESPACE)) {
    return { networks: existing, malformed: false }
  }
  const comma = networks.length === 0 ? '' : ', '
  return { networks: `${existing.slice(0, end)}${comma}${LONG}${existing.slice(end)}`, malformed: false }
}

/** `networks` less what `multusNetworks` adds; undefined where nothing else was there. */
export function withoutMultusNetwork(networks: string): string | undefined {
  if (networks === SHORT) return undefined
  const end = networks.lastIndexOf(']')
  const [body, rest] = end < 0 ? [networks, ''] : [networks.slice(0, end), networks.slice(end)]
  const added = end < 0 ? [`, ${SHORT}`] : [`, ${LONG}`, LONG]
  const found = added.find((text) => body.endsWith(text))
  return found === undefined ? networks : body.slice(0, -found.length) + rest
}
