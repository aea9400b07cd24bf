import {
  address,
  atMost,
  cidr,
  cidr4,
  flag,
  type Gaps,
  type Grammar,
  GrammarError,
  group,
  id,
  list,
  mark,
  networkInterface,
  oneOf,
  port,
  routeTable,
  wildcardOr,
} from './grammar.ts'
import type { AmbientIntent, SidecarIntent } from './intent.ts'
import { IntentRefusal } from './refusal.ts'

/** The fields of `T` that text can say, each with its grammar. */
export type Fields<T> = { readonly [K in Exclude<keyof T, 'kind'>]: Grammar<T[K]> }

/** iptables joins owner groups in one rule; Istio takes no more than this (cni.md §4.3, 16). */
const OWNER_GROUPS_LIMIT = 64

/** How each field of a sidecar's intent is read: the one table behind annotations, arguments, configurations and the codec. */
export function sidecarFields(gaps: Gaps): Fields<SidecarIntent> {
  const ports = list(port, gaps, 'trimmed')
  const cidrs = list(cidr, gaps, 'refused')
  const ids = list(id, gaps, 'trimmed')
  const groups = list(group, gaps, 'trimmed')
  const interfaces = list(networkInterface, gaps, 'trimmed')
  return {
    interception: oneOf('REDIRECT', 'TPROXY'),
    outboundPort: port,
    inboundPort: port,
    tunnelPort: port,
    proxyUids: ids,
    proxyGids: ids,
    tproxyMark: mark,
    tproxyTable: routeTable,
    inboundPorts: wildcardOr(ports),
    inboundPortsExcluded: ports,
    outboundCidrs: wildcardOr(cidrs),
    outboundCidrsExcluded: cidrs,
    outboundPorts: ports,
    outboundPortsExcluded: ports,
    ownerGroups: atMost(OWNER_GROUPS_LIMIT, wildcardOr(groups)),
    ownerGroupsExcluded: groups,
    virtualInterfaces: interfaces,
    excludedInterfaces: interfaces,
    dns: oneOf('off', 'resolvers', 'all'),
    dnsPolicy: oneOf('cluster', 'node', 'none'),
    dnsServers: list(address, gaps, 'refused'),
    dropInvalid: flag,
    dualStack: flag,
    loopback: cidr4,
  }
}

/** As `sidecarFields`, for an ambient pod. */
export function ambientFields(gaps: Gaps): Fields<AmbientIntent> {
  return {
    ingress: flag,
    dns: oneOf('on', 'off', 'node'),
    virtualInterfaces: list(networkInterface, gaps, 'trimmed'),
  }
}

/** Field `name` of `T` as `text` says it; where it cannot be read, a refusal that calls it `called`, as the pod's author knows it. */
export function readField<T>(fields: Fields<T>, name: keyof Fields<T>, text: string, called: string): Partial<T> {
  const grammar: Grammar<T[keyof Fields<T>]> = fields[name]
  return { [name]: read(grammar, text, called) } as unknown as Partial<T>
}

/** What `grammar` reads from `text`, or a refusal that calls the field `called`. */
export function read<T>(grammar: Grammar<T>, text: string, called: string): T {
  try {
    return grammar.parse(text)
  } catch (error) {
    if (error instanceof GrammarError)
      throw new IntentRefusal({ code: 'intent_invalid', args: { field: called, problem: error.message } })
    throw error
  }
}

/** The names of the fields, in the order of the table. */
export function namesOf<T>(fields: Fields<T>): readonly (keyof Fields<T>)[] {
  return Object.keys(fields) as (keyof Fields<T>)[]
}
