import { type Cidr, familyOf, hostCidr, type IpFamily, isLoopback } from '../intent/address.ts'
import { cidr, type Id, networkInterface } from '../intent/grammar.ts'
import { PORTS, type SidecarIntent } from '../intent/intent.ts'
import { TPROXY } from '../vocabulary/ports.ts'
import {
  type Action,
  ChainList,
  is,
  isNot,
  type Match,
  type OwnChain,
  type Rule,
  rule,
  type RuleModel,
  wholeMark,
} from './model.ts'
import { capturedDns, type PodNetwork } from './pod-network.ts'

/** Where the proxy calls the application from: never redirected again. */
const PROXY_SOURCE: Readonly<Record<IpFamily, Cidr>> = { 4: cidr.parse('127.0.0.6/32'), 6: cidr.parse('::6/128') }
const LOOPBACK6 = cidr.parse('::1/128')
const LO = is(networkInterface.parse('lo'))

const RETURN: Action = { do: 'return' }
const jump = (to: OwnChain): Action => ({ do: 'jump', to })
const TCP: Match = { protocol: 'tcp' }

/**
 * The rules of a pod with a sidecar: those of Istio (cni.md §4.3 to §4.5, whose numbers stand beside the steps), for both
 * families as far as the pod has them.
 */
export function sidecarRules(intent: SidecarIntent, network: PodNetwork): RuleModel {
  const sidecar = new SidecarRules(intent, network)
  return { owner: 'sidecar', families: network.families, chains: sidecar.chains() }
}

class SidecarRules {
  readonly #intent: SidecarIntent
  readonly #families: readonly IpFamily[]
  readonly #dns: ReturnType<typeof capturedDns>
  readonly #list = new ChainList()
  readonly #isTproxy: boolean

  constructor(intent: SidecarIntent, network: PodNetwork) {
    this.#intent = intent
    this.#families = network.families
    this.#dns = capturedDns(intent, network)
    this.#isTproxy = intent.interception === 'TPROXY'
  }

  chains(): ReturnType<ChainList['chains']> {
    this.#interfaces()
    this.#invalidPackets()
    this.#proxyPorts()
    this.#inbound()
    this.#outbound()
    if (this.#isTproxy) this.#tproxyMarks()
    return this.#list.chains()
  }

  /** 1, 2 and 22: excluded and virtual interfaces. Istio inserts each at the top, so the last one is met first. */
  #interfaces(): void {
    const { excludedInterfaces, virtualInterfaces, outboundCidrs } = this.#intent
    const tables = this.#isTproxy ? (['nat', 'mangle'] as const) : (['nat'] as const)
    for (const name of virtualInterfaces) this.#list.prepend('nat', 'PREROUTING', rule({ iif: is(name) }, RETURN))
    for (const destination of outboundCidrs === '*' ? [undefined] : this.#ofFamilies(outboundCidrs))
      for (const name of virtualInterfaces) {
        const when: Match = { iif: is(name), ...(destination === undefined ? {} : { destination: is(destination) }) }
        this.#list.prepend('nat', 'PREROUTING', rule(when, jump('ISTIO_REDIRECT')))
      }
    for (const table of tables)
      for (const name of excludedInterfaces) {
        this.#list.append(table, 'PREROUTING', rule({ iif: is(name) }, RETURN))
        this.#list.append(table, 'OUTPUT', rule({ oif: is(name) }, RETURN))
      }
  }

  /** 3. Of every protocol in both backends; Istio's nftables rules look at TCP alone (quirk 32). */
  #invalidPackets(): void {
    if (!this.#intent.dropInvalid) return
    this.#list.append('mangle', 'PREROUTING', rule({ states: ['INVALID'] }, jump('ISTIO_DROP')))
    this.#list.append('mangle', 'ISTIO_DROP', rule({}, { do: 'drop' }))
  }

  /** 4 to 6. */
  #proxyPorts(): void {
    const { tunnelPort, outboundPort, inboundPort } = this.#intent
    this.#list.append('nat', 'ISTIO_INBOUND', rule({ ...TCP, dport: is([tunnelPort]) }, RETURN))
    this.#list.append('nat', 'ISTIO_REDIRECT', rule(TCP, { do: 'redirect', port: outboundPort }))
    this.#list.append('nat', 'ISTIO_IN_REDIRECT', rule(TCP, { do: 'redirect', port: inboundPort }))
  }

  /** 7 and 8, in mangle for TPROXY (§4.4). */
  #inbound(): void {
    const { inboundPorts, inboundPortsExcluded } = this.#intent
    if (inboundPorts.length === 0) return
    const table = this.#isTproxy ? 'mangle' : 'nat'
    if (this.#isTproxy) this.#tproxyChains()
    this.#list.append(table, 'PREROUTING', rule(TCP, jump('ISTIO_INBOUND')))
    if (inboundPorts === '*')
      for (const excluded of inboundPortsExcluded)
        this.#list.append(table, 'ISTIO_INBOUND', rule({ ...TCP, dport: is([excluded]) }, RETURN))
    for (const when of inboundPorts === '*' ? [TCP] : inboundPorts.map((one) => ({ ...TCP, dport: is([one]) }))) {
      const established = rule({ ...when, states: ['ESTABLISHED', 'RELATED'] }, jump('ISTIO_DIVERT'))
      const rules = this.#isTproxy
        ? [established, rule(when, jump('ISTIO_TPROXY'))]
        : [rule(when, jump('ISTIO_IN_REDIRECT'))]
      this.#list.append(table, 'ISTIO_INBOUND', ...rules)
    }
  }

  #tproxyChains(): void {
    const { tproxyMark, inboundPort } = this.#intent
    const mark: Action = { do: 'mark', value: tproxyMark }
    this.#list.append('mangle', 'ISTIO_DIVERT', rule({}, mark), rule({}, { do: 'accept' }))
    for (const family of this.#families)
      this.#list.append(
        'mangle',
        'ISTIO_TPROXY',
        rule(
          { ...TCP, destination: isNot(this.#loopback(family)) },
          { do: 'tproxy', port: inboundPort, mark: tproxyMark },
        ),
      )
  }

  /** 9 to 21. */
  #outbound(): void {
    const { outboundPortsExcluded, outboundCidrsExcluded, outboundPorts, outboundCidrs } = this.#intent
    const output = (...rules: readonly Rule[]): void => this.#list.append('nat', 'ISTIO_OUTPUT', ...rules)
    this.#list.append('nat', 'OUTPUT', rule({}, jump('ISTIO_OUTPUT')))
    for (const excluded of outboundPortsExcluded)
      for (const protocol of ['tcp', 'udp'] as const) output(rule({ protocol, dport: is([excluded]) }, RETURN))
    for (const family of this.#families) output(rule({ oif: LO, source: is(PROXY_SOURCE[family]) }, RETURN))
    this.#owners()
    this.#dnsCapture()
    for (const family of this.#families) output(rule({ destination: is(this.#loopback(family)) }, RETURN))
    for (const excluded of this.#ofFamilies(outboundCidrsExcluded)) output(rule({ destination: is(excluded) }, RETURN))
    for (const included of outboundPorts) output(rule({ ...TCP, dport: is([included]) }, jump('ISTIO_REDIRECT')))
    const matches =
      outboundCidrs === '*' ? [{}] : this.#ofFamilies(outboundCidrs).map((one) => ({ destination: is(one) }))
    output(...matches.map((when) => rule(when, jump('ISTIO_REDIRECT'))))
  }

  /** 12 to 16: the proxy's own traffic is left alone, but for what it sends to the pod's own address. */
  #owners(): void {
    const { proxyUids, proxyGids, ownerGroups, ownerGroupsExcluded } = this.#intent
    for (const uid of proxyUids) this.#owner((not) => ({ uid: { not, value: uid } }), this.#dns !== 'none')
    for (const gid of proxyGids) this.#owner((not) => ({ gids: [{ not, value: gid }] }), false)
    if (ownerGroups === '*')
      for (const gid of ownerGroupsExcluded) this.#list.append('nat', 'ISTIO_OUTPUT', rule({ gids: [is(gid)] }, RETURN))
    else
      this.#list.append(
        'nat',
        'ISTIO_OUTPUT',
        rule(ownerGroups.length === 0 ? {} : { gids: ownerGroups.map(isNot) }, RETURN),
      )
  }

  #owner(owner: (not: boolean) => Match, leavesDnsAlone: boolean): void {
    const { tunnelPort, outboundCidrs } = this.#intent
    const ports = leavesDnsAlone ? [...new Set([PORTS.dns, tunnelPort])].toSorted((a, b) => a - b) : [tunnelPort]
    const output = (...rules: readonly Rule[]): void => this.#list.append('nat', 'ISTIO_OUTPUT', ...rules)
    for (const family of this.#families) {
      const destination = isNot(this.#loopback(family))
      output(rule({ oif: LO, destination, ...TCP, dport: isNot(ports), ...owner(false) }, jump('ISTIO_IN_REDIRECT')))
    }
    const wantsLoopback = outboundCidrs !== '*' && outboundCidrs.some(isLoopback)
    const notDns: Match = this.#dns === 'none' ? {} : { ...TCP, dport: isNot([PORTS.dns]) }
    if (!wantsLoopback) output(rule({ oif: LO, ...notDns, ...owner(true) }, RETURN))
    output(rule(owner(false), RETURN))
  }

  /** 17, §4.5: DNS goes to the agent; its own queries and answers are tracked apart. */
  #dnsCapture(): void {
    if (this.#dns === 'none') return
    this.#list.append('raw', 'OUTPUT', rule({}, jump('ISTIO_OUTPUT_DNS')))
    this.#dnsTargets()
    const zone = (zone: number): Action => ({ do: 'zone', zone })
    for (const owner of this.#proxyOwners())
      this.#list.append(
        'raw',
        'ISTIO_OUTPUT_DNS',
        rule({ protocol: 'udp', dport: is([PORTS.dns]), ...owner }, zone(1)),
        rule({ protocol: 'udp', sport: PORTS.dnsProxy, ...owner }, zone(2)),
      )
    const servers = this.#dns === 'all' ? [undefined] : this.#ofFamilies(this.#dns.map(hostCidr))
    this.#hang('raw', 'PREROUTING', 'ISTIO_INBOUND')
    for (const server of servers) {
      const to: Match = server === undefined ? {} : { destination: is(server) }
      const from: Match = server === undefined ? {} : { source: is(server) }
      this.#list.append('raw', 'ISTIO_OUTPUT_DNS', rule({ protocol: 'udp', dport: is([PORTS.dns]), ...to }, zone(2)))
      this.#list.append('raw', 'ISTIO_INBOUND', rule({ protocol: 'udp', sport: PORTS.dns, ...from }, zone(1)))
    }
  }

  #dnsTargets(): void {
    if (this.#dns === 'none') return
    this.#hang('nat', 'ISTIO_OUTPUT', 'ISTIO_OUTPUT_DNS')
    const servers = this.#dns === 'all' ? [undefined] : this.#ofFamilies(this.#dns.map(hostCidr))
    for (const protocol of ['tcp', 'udp'] as const)
      for (const server of servers) {
        const to: Match = server === undefined ? {} : { destination: is(server) }
        const when: Match = { protocol, dport: is([PORTS.dns]), ...to }
        this.#list.append('nat', 'ISTIO_OUTPUT_DNS', rule(when, { do: 'redirect', port: PORTS.dnsProxy }))
      }
  }

  /** A jump to a chain of DNS rules, for the families that have any there. */
  #hang(table: 'nat' | 'raw', from: 'ISTIO_OUTPUT' | 'PREROUTING', to: OwnChain): void {
    if (this.#dns === 'none') return
    const servers = this.#dns
    const families = this.#families.filter(
      (family) => servers === 'all' || servers.some((one) => familyOf(one) === family),
    )
    if (families.length === this.#families.length) this.#list.append(table, from, rule({}, jump(to)))
    else for (const family of families) this.#list.append(table, from, rule({}, jump(to), family))
  }

  /** §4.4, at the end: marks of the proxy's connections, so that answers find their way back to it. */
  #tproxyMarks(): void {
    const { tproxyMark } = this.#intent
    const marked = { mark: is(wholeMark(tproxyMark)) }
    const mangle = (chain: 'PREROUTING' | 'OUTPUT', ...rules: readonly Rule[]): void =>
      this.#list.append('mangle', chain, ...rules)
    mangle('PREROUTING', rule({ ...TCP, ...marked }, { do: 'save-mark' }))
    mangle('OUTPUT', rule({ ...TCP, oif: LO, ...marked }, RETURN))
    for (const owner of this.#proxyOwners())
      for (const family of this.#families) {
        const destination = isNot(this.#loopback(family))
        mangle('OUTPUT', rule({ ...TCP, oif: LO, destination, ...owner }, { do: 'mark', value: TPROXY.ownTraffic }))
      }
    mangle('OUTPUT', rule({ ...TCP, connmark: is(wholeMark(tproxyMark)) }, { do: 'restore-mark' }))
    this.#list.prepend(
      'mangle',
      'ISTIO_INBOUND',
      rule({ ...TCP, ...marked }, RETURN),
      ...this.#families.map((family) => rule({ ...TCP, iif: LO, source: is(PROXY_SOURCE[family]) }, RETURN)),
      rule({ ...TCP, iif: LO, mark: isNot(wholeMark(TPROXY.ownTraffic)) }, RETURN),
    )
  }

  #proxyOwners(): readonly Match[] {
    const { proxyUids, proxyGids } = this.#intent
    const uid = (value: Id): Match => ({ uid: is(value) })
    const gid = (value: Id): Match => ({ gids: [is(value)] })
    return [...proxyUids.map(uid), ...proxyGids.map(gid)]
  }

  #loopback(family: IpFamily): Cidr {
    return family === 4 ? this.#intent.loopback : LOOPBACK6
  }

  #ofFamilies(cidrs: readonly Cidr[]): readonly Cidr[] {
    return cidrs.filter((each) => this.#families.includes(familyOf(each)))
  }
}
