import { type Address, type Cidr, hostCidr, type IpFamily } from '../intent/address.ts'
import { cidr, type Id, networkInterface, type Port } from '../intent/grammar.ts'
import { type AmbientIntent, PORTS } from '../intent/intent.ts'
import { AMBIENT_MARKS, PROBE_SETS } from '../vocabulary/ports.ts'
import {
  type Action,
  ChainList,
  type Hook,
  is,
  isNot,
  type Match,
  type OwnChain,
  type Rule,
  rule,
  type RuleModel,
} from './model.ts'

/** How a node does ambient: the same for all its pods. */
export interface AmbientNode {
  readonly families: readonly IpFamily[]
  /** whether the DNS of pods that do not say otherwise is captured */
  readonly dnsCapture: boolean
  /** where the kubelet's probes come from, once the host has translated them */
  readonly probeSource: Readonly<Record<IpFamily, Address>>
}

/** What tells a probe of the kubelet on the host: any local socket, or a socket of its user (cni.md §5.9). */
export type ProbeMaker = { readonly is: 'any-socket' } | { readonly is: 'user'; readonly uid: Id }

const LOOPBACK: Readonly<Record<IpFamily, Cidr>> = { 4: cidr.parse('127.0.0.1/32'), 6: cidr.parse('::1/128') }
const LO = networkInterface.parse('lo')
const SETS: Readonly<Record<IpFamily, string>> = { 4: PROBE_SETS.v4, 6: PROBE_SETS.v6 }

const TCP: Match = { protocol: 'tcp' }
const ACCEPT: Action = { do: 'accept' }
const FROM_ZTUNNEL: Match = { mark: is(AMBIENT_MARKS.ztunnel) }
const NOT_FROM_ZTUNNEL: Match = { mark: isNot(AMBIENT_MARKS.ztunnel) }
const redirect = (to: Port): Action => ({ do: 'redirect', port: to })

/** The rules in the namespace of an ambient pod (cni.md §5.10, whose numbers stand beside the steps). */
export function ambientPodRules(intent: AmbientIntent, node: AmbientNode): RuleModel {
  const list = new ChainList()
  const dns = intent.dns === 'node' ? node.dnsCapture : intent.dns === 'on'
  hang(list, dns)
  const into = (...rules: readonly Rule[]): void => list.append('nat', 'ISTIO_PRERT', ...rules)
  const outOf = (...rules: readonly Rule[]): void => list.append('nat', 'ISTIO_OUTPUT', ...rules)
  const each = (when: (family: IpFamily) => Match, then: Action): readonly Rule[] =>
    node.families.map((family) => rule(when(family), then))

  // 2
  for (const name of intent.virtualInterfaces)
    into(rule({ iif: is(name), ...TCP }, redirect(PORTS.outbound)), rule({ iif: is(name), ...TCP }, { do: 'return' }))
  // 3
  list.append('mangle', 'ISTIO_PRERT', rule(FROM_ZTUNNEL, { do: 'connmark', bits: AMBIENT_MARKS.answered }))
  // 4 to 6
  const probe = (family: IpFamily): Cidr => hostCidr(node.probeSource[family])
  const elsewhere = (family: IpFamily): Match => ({ destination: isNot(LOOPBACK[family]) })
  const newInbound: Match = { ...TCP, dport: isNot([PORTS.tunnel]), ...NOT_FROM_ZTUNNEL }
  if (!intent.ingress) into(...each((family) => ({ ...TCP, source: is(probe(family)) }), ACCEPT))
  outOf(...each((family) => ({ ...TCP, destination: is(probe(family)) }), ACCEPT))
  if (!intent.ingress) into(...each((family) => ({ ...elsewhere(family), ...newInbound }), redirect(PORTS.inbound)))
  // 7
  list.append('mangle', 'ISTIO_OUTPUT', rule({ connmark: is(AMBIENT_MARKS.answered) }, { do: 'restore-mark' }))
  // 8 to 10
  if (dns) {
    const query: Match = { dport: is([PORTS.dns]), ...NOT_FROM_ZTUNNEL }
    outOf(rule({ oif: isNot(LO), protocol: 'udp', ...query }, redirect(PORTS.dnsProxy)))
    outOf(...each((family) => ({ ...elsewhere(family), ...TCP, ...query }), redirect(PORTS.dnsProxy)))
    const zone: Action = { do: 'zone', zone: 1 }
    list.append('raw', 'ISTIO_OUTPUT', rule({ protocol: 'udp', dport: is([PORTS.dns]), ...FROM_ZTUNNEL }, zone))
    list.append('raw', 'ISTIO_PRERT', rule({ protocol: 'udp', sport: PORTS.dns, ...NOT_FROM_ZTUNNEL }, zone))
  }
  // 11 to 13
  outOf(rule({ ...TCP, mark: is(AMBIENT_MARKS.answered) }, ACCEPT))
  outOf(...each((family) => ({ ...elsewhere(family), oif: is(LO) }), ACCEPT))
  outOf(...each((family) => ({ ...elsewhere(family), ...TCP, ...NOT_FROM_ZTUNNEL }), redirect(PORTS.outbound)))
  return { owner: 'ambient', families: node.families, chains: list.chains() }
}

/** 1: our chains on the kernel's. */
function hang(list: ChainList, dns: boolean): void {
  const hooks: readonly (readonly [Hook, OwnChain])[] = [
    ['PREROUTING', 'ISTIO_PRERT'],
    ['OUTPUT', 'ISTIO_OUTPUT'],
  ]
  for (const table of dns ? (['mangle', 'nat', 'raw'] as const) : (['mangle', 'nat'] as const))
    for (const [hook, to] of hooks) list.append(table, hook, rule({}, { do: 'jump', to }))
}

/**
 * The rules in the host's namespace that give probes of the kubelet to enrolled pods a source of their own (cni.md §5.9). Which
 * pods are enrolled is in the sets, one for each family.
 */
export function ambientHostRules(node: AmbientNode, maker: ProbeMaker): RuleModel {
  const list = new ChainList()
  const chain = maker.is === 'user' ? 'POSTROUTING' : 'ISTIO_POSTRT'
  if (chain === 'ISTIO_POSTRT') list.append('nat', 'POSTROUTING', rule({}, { do: 'jump', to: chain }))
  for (const family of node.families) {
    const made: Match = maker.is === 'user' ? { uid: is(maker.uid) } : { socket: true }
    const then: Action = { do: 'snat', to: node.probeSource[family] }
    list.append('nat', chain, rule({ ...TCP, ...made, set: SETS[family] }, then, family))
  }
  return { owner: 'ambient', families: node.families, chains: list.chains() }
}
