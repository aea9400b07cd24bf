import {
  type Address,
  familyOf,
  type IpFamily,
  isLinkLocal,
  isLoopback,
  parseAddress,
  unmapped,
} from '../intent/address.ts'
import type { SidecarIntent } from '../intent/intent.ts'
import type { Reason } from '../vocabulary/reasons.ts'

/** What only the pod's network and its node show. */
export interface PodNetwork {
  /** IPv4 always has rules; IPv6 where the pod has an address of it */
  readonly families: readonly IpFamily[]
  /** the DNS servers that the kubelet gives to pods; null: not known, so all DNS counts */
  readonly resolvers: Resolvers | null
}

/** Servers of a pod's resolv.conf by `dnsPolicy`. */
export interface Resolvers {
  readonly cluster: readonly Address[]
  readonly node: readonly Address[]
}

/**
 * The families of a pod whose interfaces have `addresses`. Istio makes IPv6 rules for a dual-stack pod only if it is told to or
 * the first address is of IPv6, and its other IPv6 traffic bypasses the mesh (cni.md §4.2, §11 quirk 25): here each family that
 * is there has rules.
 */
export function familiesOf(
  addresses: readonly string[],
):
  | { readonly is: 'known'; readonly families: readonly IpFamily[] }
  | { readonly is: 'refused'; readonly reason: Reason } {
  const usable = addresses.flatMap((text) => {
    const address = parseAddress(text)
    const plain = address === null ? null : unmapped(address)
    return plain === null || isLoopback(plain) || isLinkLocal(plain) ? [] : [plain]
  })
  if (usable.length === 0) return { is: 'refused', reason: { code: 'address_absent', args: {} } }
  return { is: 'known', families: usable.some((address) => familyOf(address) === 6) ? [4, 6] : [4] }
}

/** Whose DNS is captured: nobody's, everybody's, or what is asked of these servers. */
export function capturedDns(
  intent: SidecarIntent,
  network: Pick<PodNetwork, 'resolvers'>,
): 'none' | 'all' | readonly Address[] {
  if (intent.dns !== 'resolvers') return intent.dns === 'off' ? 'none' : 'all'
  if (intent.dnsPolicy !== 'none' && network.resolvers === null) return 'all'
  const given = intent.dnsPolicy === 'none' ? [] : (network.resolvers?.[intent.dnsPolicy] ?? [])
  const servers = [...new Set([...given, ...intent.dnsServers])]
  return servers.length === 0 ? 'none' : servers
}
