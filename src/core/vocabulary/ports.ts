/** Ports of Istio's data plane, the same in every pod unless the mesh's settings say otherwise (cni.md §4.3, §5.10). */
export const PROXY_PORTS = {
  /** where the proxy takes what the application sends */
  outbound: 15001,
  /** where it takes what is sent to the application */
  inbound: 15006,
  /** HBONE: comes as it is, never redirected */
  tunnel: 15008,
  /** the agent's DNS server */
  dns: 15053,
} as const

export const DNS_PORT = 53

/** Ports of the proxy and its agent that answer in the clear, so they are never redirected (status, probes, metrics). */
export const NEVER_CAPTURED_PORTS: readonly number[] = [15020, 15021, 15090]

/** The user and group that Istio's proxy runs as, unless its container says otherwise. */
export const PROXY_ID = 1337

/** Packet marks and routing tables: sidecar TPROXY (cni.md §4.4) and ambient (§5.10). */
export const TPROXY = { mark: 1337, ownTraffic: 1338, table: 133 } as const
export const AMBIENT_MARKS = {
  /** on every packet that ztunnel sends */
  ztunnel: { value: 0x539, mask: 0xfff },
  /** on connections that such a packet belongs to: what answers them is routed to `lo` */
  answered: { value: 0x111, mask: 0xfff },
  table: 100,
  preference: 32764,
} as const

/** Source of the kubelet's probes after the host's translation; in-pod rules let it pass (cni.md §5.9). */
export const PROBE_SOURCE = { v4: '169.254.7.127', v6: 'fd16:9254:7127:1337:ffff:ffff:ffff:ffff' } as const
export const PROBE_SETS = { v4: 'istio-inpod-probes-v4', v6: 'istio-inpod-probes-v6' } as const

/** The host's ip rules for pods with a branch interface in AWS (cni.md §5.9); the protocol tells ours from all others. */
export const BRANCH_RULES = { priority: 512, protocol: 83 } as const

/** Ports on which an injected proxy or its agent listens: an application's metrics cannot be there. */
export const RESERVED_PORTS: readonly number[] = [15000, 15001, 15004, 15006, 15008, 15020, 15021, 15053, 15090]
