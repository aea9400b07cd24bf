import type { Reason } from '../vocabulary/reasons.ts'

/** A network that is known to keep the kubelet's probes from ambient pods, as long as a setting of it is not changed (users.md 46). */
interface Blocker {
  readonly network: string
  /** interfaces by which it is known on a node */
  readonly sign: RegExp
  readonly setting: string
}

const BLOCKERS: readonly Blocker[] = [
  {
    network: 'Cilium',
    sign: /^cilium_/,
    setting:
      'bpf.masquerade=false and bpf.hostLegacyRouting=true in its Helm values, and where policies deny by default a CiliumClusterwideNetworkPolicy that lets 169.254.7.127/32 and fd16:9254:7127:1337:ffff:ffff:ffff:ffff/128 in',
  },
  {
    network: 'Calico with eBPF',
    sign: /^bpf(?:in|out)\.cali$/,
    setting: 'Calico 3.29 or later, or bpfEnabled: false in its FelixConfiguration',
  },
  {
    network: 'OVN-Kubernetes',
    sign: /^ovn-k8s-mp/,
    setting: 'routingViaHost: true in the gatewayConfig of its network operator',
  },
  {
    network: 'Amazon VPC CNI with security groups for pods',
    sign: /^vlan\.?eth/,
    setting: 'POD_SECURITY_GROUP_ENFORCING_MODE=standard and DISABLE_TCP_EARLY_DEMUX=true on the DaemonSet aws-node',
  },
]

/** What may keep probes from pods of a node with these interfaces, each with what to set. */
export function probeBlockers(interfaces: readonly string[]): readonly Reason[] {
  return BLOCKERS.filter(({ sign }) => interfaces.some((name) => sign.test(name))).map(({ network, setting }) => ({
    code: 'probe_path_risk',
    args: { network, setting },
  }))
}
