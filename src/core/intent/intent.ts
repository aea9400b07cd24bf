import { DNS_PORT, NEVER_CAPTURED_PORTS, PROXY_ID, PROXY_PORTS, TPROXY } from '../vocabulary/ports.ts'
import type { Reason } from '../vocabulary/reasons.ts'
import type { Address, Cidr } from './address.ts'
import {
  cidr4,
  type Group,
  type Id,
  id,
  type Interface,
  mark,
  type Mark,
  port,
  type Port,
  routeTable,
  type RouteTable,
} from './grammar.ts'

/**
 * What is to be redirected in one pod: parsed and checked, never changed. Rules, verification and the explanation start from
 * this value alone; it does not say for which addresses, which only the pod's network shows.
 */
export type Intent = SidecarIntent | AmbientIntent | NoIntent

/** Traffic goes to a proxy in the pod itself (cni.md §4). */
export interface SidecarIntent {
  readonly kind: 'sidecar'
  readonly interception: 'REDIRECT' | 'TPROXY'
  /** where the proxy listens */
  readonly outboundPort: Port
  readonly inboundPort: Port
  readonly tunnelPort: Port
  /** what runs as these is the proxy: its own traffic is left alone */
  readonly proxyUids: readonly Id[]
  readonly proxyGids: readonly Id[]
  readonly tproxyMark: Mark
  readonly tproxyTable: RouteTable
  readonly inboundPorts: '*' | readonly Port[]
  /** counts only with `inboundPorts: '*'` */
  readonly inboundPortsExcluded: readonly Port[]
  readonly outboundCidrs: '*' | readonly Cidr[]
  readonly outboundCidrsExcluded: readonly Cidr[]
  /** redirected even where the address is not among `outboundCidrs` */
  readonly outboundPorts: readonly Port[]
  readonly outboundPortsExcluded: readonly Port[]
  readonly ownerGroups: '*' | readonly Group[]
  /** counts only with `ownerGroups: '*'` */
  readonly ownerGroupsExcluded: readonly Group[]
  /** of virtual machines and the like: what comes in from them is traffic of the application (KubeVirt) */
  readonly virtualInterfaces: readonly Interface[]
  readonly excludedInterfaces: readonly Interface[]
  /** `resolvers`: DNS only when asked of the servers in the pod's resolv.conf; `all`: of anybody */
  readonly dns: 'off' | 'resolvers' | 'all'
  /** which servers the kubelet puts there: those of the cluster, those of the node, or only `dnsServers` */
  readonly dnsPolicy: 'cluster' | 'node' | 'none'
  readonly dnsServers: readonly Address[]
  readonly dropInvalid: boolean
  /** the proxy was told to listen on both families; the rules do not depend on it */
  readonly dualStack: boolean
  /** what counts as the pod talking to itself */
  readonly loopback: Cidr
}

/** Traffic goes to the node's ztunnel, whose listeners are in the pod's namespace (cni.md §5.2). */
export interface AmbientIntent {
  readonly kind: 'ambient'
  /** the application takes inbound traffic itself (an ingress) */
  readonly ingress: boolean
  /** `node`: as the node's agent is set */
  readonly dns: 'on' | 'off' | 'node'
  readonly virtualInterfaces: readonly Interface[]
}

/** Nothing is redirected, on purpose: the application talks to its proxy by itself (mode NONE). */
export interface NoIntent {
  readonly kind: 'none'
}

/** What reading a pod gives. */
export type IntentResult =
  | { readonly is: 'redirect'; readonly intent: Intent }
  | { readonly is: 'skip'; readonly reason: Reason }
  | { readonly is: 'refused'; readonly reason: Reason }

const portOf = (number: number): Port => port.parse(String(number))

/** The ports of Istio's data plane and of DNS, as checked ones. */
export const PORTS = {
  outbound: portOf(PROXY_PORTS.outbound),
  inbound: portOf(PROXY_PORTS.inbound),
  tunnel: portOf(PROXY_PORTS.tunnel),
  dnsProxy: portOf(PROXY_PORTS.dns),
  dns: portOf(DNS_PORT),
} as const

/** What Istio's own tool takes where nothing is said: nothing included, nothing excluded (cni.md §4.9). */
export const BARE_SIDECAR: SidecarIntent = {
  kind: 'sidecar',
  interception: 'REDIRECT',
  outboundPort: PORTS.outbound,
  inboundPort: PORTS.inbound,
  tunnelPort: PORTS.tunnel,
  proxyUids: [id.parse(String(PROXY_ID))],
  proxyGids: [id.parse(String(PROXY_ID))],
  tproxyMark: mark.parse(String(TPROXY.mark)),
  tproxyTable: routeTable.parse(String(TPROXY.table)),
  inboundPorts: [],
  inboundPortsExcluded: [],
  outboundCidrs: [],
  outboundCidrsExcluded: [],
  outboundPorts: [],
  outboundPortsExcluded: [],
  ownerGroups: '*',
  ownerGroupsExcluded: [],
  virtualInterfaces: [],
  excludedInterfaces: [],
  dns: 'off',
  dnsPolicy: 'none',
  dnsServers: [],
  dropInvalid: false,
  dualStack: false,
  loopback: cidr4.parse('127.0.0.1/32'),
}

/** The ports that the proxy answers in the clear, as checked ones. */
export const PLAIN_PORTS: readonly Port[] = NEVER_CAPTURED_PORTS.map(portOf)

/** An ambient pod that asks for nothing of its own. */
export const PLAIN_AMBIENT: AmbientIntent = { kind: 'ambient', ingress: false, dns: 'node', virtualInterfaces: [] }
