import type { TrafficClass } from '../../../core/redirection/evidence.ts'
import { type Family, familyOf } from '../../../edge/host/addresses.ts'
import type { Probe } from '../../../edge/host/probe.ts'
import type { InterfaceAddress } from '../../../edge/host/interface-addresses.ts'
import type { Survey } from '../../../edge/host/survey.ts'
import type { Destinations, Target } from './target.ts'

/** A probe and the class of traffic that it stands for. */
export interface Planned {
  readonly class: TrafficClass
  readonly probe: Probe
}

const DNS_PORT = 53
/** Not the kubelet's user, whose connections an ambient pod takes for probes (cni.md §5.9). */
const STRANGER = { uid: 65534, gid: 65534 }
const LINK_LOCAL = /^(fe[89ab][0-9a-f]:|169\.254\.)/i

/** The addresses that `target` would be tried with from inside. */
export function destinationsOf({ outbound, dns }: Target): readonly string[] {
  return [outbound?.to, dns?.to].flatMap((to) => (to === undefined ? [] : [to[4], to[6]])).filter((to) => to !== null)
}

/**
 * The probes that measure what `target` promises: each class, in each family that the namespace has, for each address but those in
 * `leftAlone`, to which packets leave by an interface that is left alone.
 */
export function plan(target: Target, inside: Survey, leftAlone: readonly string[]): readonly Planned[] {
  const own = inside.addresses.filter(({ address, internal }) => !internal && !LINK_LOCAL.test(address))
  const families = ([4, 6] as const).filter((family) => own.some(({ address }) => familyOf(address) === family))
  const outward = [...outbound(target, families), ...dns(target, families)]
  return [...outward.filter(({ probe }) => !leftAlone.includes(probe.to.address)), ...inbound(target, inside, own)]
}

function outbound({ outbound, app, proxy }: Target, families: readonly Family[]): readonly Planned[] {
  if (outbound === null) return []
  const probe = { over: 'tcp', from: 'inside', leadsTo: outbound.leadsTo } as const
  return each(outbound.to, families, outbound.port).flatMap((to) => [
    { class: 'outbound' as const, probe: { ...probe, to, user: app } },
    ...(proxy === null ? [] : [{ class: 'proxy' as const, probe: { ...probe, to, user: proxy } }]),
  ])
}

function inbound(
  { inbound, exceptInterfaces }: Target,
  { listeners }: Survey,
  own: readonly InterfaceAddress[],
): readonly Planned[] {
  const taken = new Set(listeners.tcp.map(({ port }) => port))
  const port = inbound?.candidates.find((candidate) => !taken.has(candidate)) ?? inbound?.candidates[0]
  if (inbound === null || port === undefined) return []
  return own
    .filter(({ device }) => !exceptInterfaces.includes(device))
    .map(({ address }) => ({
      class: 'inbound',
      probe: { over: 'tcp', from: 'outside', to: { address, port }, user: STRANGER, leadsTo: inbound.leadsTo },
    }))
}

function dns({ dns, app }: Target, families: readonly Family[]): readonly Planned[] {
  if (dns === null) return []
  return each(dns.to, families, DNS_PORT).flatMap((to) =>
    (['tcp', 'udp'] as const).map((over) => ({
      class: `dns-${over}` as const,
      probe: { over, from: 'inside', to, user: app, leadsTo: dns.leadsTo },
    })),
  )
}

function each(to: Destinations, families: readonly Family[], port: number): readonly Probe['to'][] {
  return families.flatMap((family) => {
    const address = to[family]
    return address === null ? [] : [{ address, port }]
  })
}
