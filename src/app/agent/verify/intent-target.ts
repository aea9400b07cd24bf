import { type Address, familyOf } from '../../../core/intent/address.ts'
import type { AmbientIntent, SidecarIntent } from '../../../core/intent/intent.ts'
import { AMBIENT_MARKS, DNS_PORT, NEVER_CAPTURED_PORTS, PROXY_PORTS } from '../../../core/vocabulary/ports.ts'
import { addressWithin } from './address-choice.ts'
import { type Destinations, NOBODY, RARE_PORTS, type Target } from './target.ts'

/** Whose DNS is captured. */
export type CapturedDns = 'none' | 'all' | readonly Address[]

const EVERYTHING = ['0.0.0.0/0', '::/0']
/** never redirected, whatever is included; of IPv4 it is the intent that says so */
const LOOPBACK6 = '::1/128'
/** as every runtime calls the interface of a pod by which it reaches others, unless the pod has more */
const FIRST_INTERFACE = 'eth0'
const APP_ID = 1000
/** What outbound traffic usually goes to, then ports that nobody names in an exclude list. */
const USUAL_PORTS: readonly number[] = [80, 443, 8080, ...RARE_PORTS]

/** What `intent` promises, with addresses, ports and users that its exclusions leave in. */
export function sidecarTarget(intent: SidecarIntent, dns: CapturedDns): Target {
  const { inboundPorts, inboundPortsExcluded, tunnelPort, proxyUids, proxyGids } = intent
  const excluded: readonly number[] = [...NEVER_CAPTURED_PORTS, ...inboundPortsExcluded, tunnelPort]
  const candidates = inboundPorts === '*' ? RARE_PORTS.filter((port) => !excluded.includes(port)) : inboundPorts
  const [proxyUid = APP_ID] = proxyUids
  const [proxyGid = APP_ID] = proxyGids
  return {
    outbound: outboundOf(intent),
    inbound:
      candidates.length === 0 || isFirstInterfaceExcluded(intent) ? null : { leadsTo: intent.inboundPort, candidates },
    dns: asksReachDns(intent) ? dnsOf(dns) : null,
    exceptInterfaces: intent.excludedInterfaces,
    transparent: intent.interception === 'TPROXY',
    proxy: { uid: proxyUid, gid: proxyGid },
    app: { uid: unlike(proxyUids), gid: appGroup(intent) },
  }
}

/** What `intent` promises where the node's ztunnel is the proxy: it is known by the mark of its packets. */
export function ambientTarget(intent: AmbientIntent, dns: boolean): Target {
  const app = { uid: APP_ID, gid: APP_ID }
  return {
    outbound: { leadsTo: PROXY_PORTS.outbound, to: NOBODY, port: 80 },
    inbound: intent.ingress ? null : { leadsTo: PROXY_PORTS.inbound, candidates: RARE_PORTS },
    dns: dnsOf(dns ? 'all' : 'none'),
    exceptInterfaces: [],
    transparent: false,
    proxy: { ...app, mark: AMBIENT_MARKS.ztunnel.value },
    app,
  }
}

function outboundOf(intent: SidecarIntent): Target['outbound'] {
  const { outboundCidrs, outboundPorts, outboundPortsExcluded, loopback } = intent
  const excluded = [...intent.outboundCidrsExcluded, loopback, LOOPBACK6]
  const leadsTo = intent.outboundPort
  const isFree = (port: number): boolean => !outboundPortsExcluded.some((excluded) => excluded === port)
  // a port that is included is redirected wherever it leads
  const named = outboundPorts.find(isFree)
  const to =
    outboundCidrs === '*' || named !== undefined
      ? destinations(EVERYTHING, excluded)
      : destinations(outboundCidrs, excluded)
  const port = named ?? USUAL_PORTS.find(isFree)
  if (!leavesByRules(intent)) return null
  return port === undefined || (to[4] === null && to[6] === null) ? null : { leadsTo, to, port }
}

/** Excluded ports, like all that is left alone, are passed before DNS is looked at. */
function asksReachDns(intent: SidecarIntent): boolean {
  return leavesByRules(intent) && !intent.outboundPortsExcluded.some((port) => port === DNS_PORT)
}

/** Does what an application sends away come to the rules: is there a group whose traffic is, by its number? Names are known in the pod's own image alone. */
function leavesByRules({ ownerGroups }: SidecarIntent): boolean {
  return ownerGroups === '*' || ownerGroups.some((group) => typeof group === 'number')
}

/** Then what comes from the node is left alone: other interfaces cannot be tried from here. */
function isFirstInterfaceExcluded({ excludedInterfaces }: SidecarIntent): boolean {
  return excludedInterfaces.some((name) => name === FIRST_INTERFACE)
}

function dnsOf(dns: CapturedDns): Target['dns'] {
  if (dns === 'none') return null
  const leadsTo = PROXY_PORTS.dns
  if (dns === 'all') return { leadsTo, to: NOBODY }
  const of = (family: 4 | 6): string | null => dns.find((server) => familyOf(server) === family) ?? null
  return { leadsTo, to: { 4: of(4), 6: of(6) } }
}

/** An id that no proxy has. */
function unlike(taken: readonly number[]): number {
  return [APP_ID, APP_ID + 1, ...taken.map((id) => id + 1)].find((id) => !taken.includes(id)) ?? APP_ID
}

/** A group of applications whose traffic is redirected. */
function appGroup({ ownerGroups, ownerGroupsExcluded, proxyGids }: SidecarIntent): number {
  const named = ownerGroups === '*' ? undefined : ownerGroups.find((group) => typeof group === 'number')
  return named ?? unlike([...proxyGids, ...ownerGroupsExcluded.filter((group) => typeof group === 'number')])
}

/** An address of each family in `included` and not in `excluded`. */
function destinations(included: readonly string[], excluded: readonly string[]): Destinations {
  const of = (family: 4 | 6): string | null => addressWithin(family, included, excluded)
  return { 4: of(4), 6: of(6) }
}
