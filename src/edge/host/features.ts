import type { Family } from './addresses.ts'

/** A piece of the kernel that rules may use, with the smallest rule that needs it and the module that brings it. */
export interface Feature {
  readonly name: string
  readonly nft: FeatureRule
  readonly xtables: FeatureRule
}

export interface FeatureRule {
  /** for nft: the kind of chain, with its hook; for iptables: table and chain */
  readonly place: string
  readonly rule: Readonly<Record<Family, string>>
  readonly module: string
}

const both = (rule: string): Readonly<Record<Family, string>> => ({ 4: rule, 6: rule })
const NAT = 'type nat hook output priority -100'
const FILTER = 'type filter hook prerouting priority -150'

export const FEATURES: readonly Feature[] = [
  {
    name: 'redirect',
    nft: { place: NAT, rule: both('meta l4proto tcp redirect to :1'), module: 'nft_redir' },
    xtables: { place: 'nat OUTPUT', rule: both('-p tcp -j REDIRECT --to-ports 1'), module: 'xt_REDIRECT' },
  },
  {
    name: 'owner match',
    nft: { place: NAT, rule: both('meta skuid 1 return'), module: 'nf_tables' },
    xtables: { place: 'nat OUTPUT', rule: both('-m owner --uid-owner 1 -j RETURN'), module: 'xt_owner' },
  },
  {
    name: 'list of ports',
    nft: { place: NAT, rule: both('tcp dport { 1, 2 } return'), module: 'nf_tables' },
    xtables: { place: 'nat OUTPUT', rule: both('-p tcp -m multiport --dports 1,2 -j RETURN'), module: 'xt_multiport' },
  },
  {
    name: 'packet mark',
    nft: { place: FILTER, rule: both('meta mark set 1'), module: 'nf_tables' },
    xtables: { place: 'mangle PREROUTING', rule: both('-m mark --mark 2 -j MARK --set-mark 1'), module: 'xt_mark' },
  },
  {
    name: 'connection mark',
    nft: { place: FILTER, rule: both('ct mark set mark'), module: 'nft_ct' },
    xtables: {
      place: 'mangle PREROUTING',
      rule: both('-m connmark --mark 1 -j CONNMARK --save-mark'),
      module: 'xt_connmark',
    },
  },
  {
    name: 'connection state',
    nft: { place: FILTER, rule: both('ct state invalid return'), module: 'nft_ct' },
    xtables: {
      place: 'mangle PREROUTING',
      rule: both('-m conntrack --ctstate INVALID -j RETURN'),
      module: 'xt_conntrack',
    },
  },
  {
    name: 'connection zone',
    nft: { place: 'type filter hook prerouting priority -300', rule: both('ct zone set 1'), module: 'nft_ct' },
    xtables: { place: 'raw PREROUTING', rule: both('-j CT --zone 1'), module: 'xt_CT' },
  },
  {
    name: 'TPROXY',
    nft: {
      place: FILTER,
      rule: { 4: 'meta l4proto tcp tproxy ip to :1', 6: 'meta l4proto tcp tproxy ip6 to :1' },
      module: 'nft_tproxy',
    },
    xtables: { place: 'mangle PREROUTING', rule: both('-p tcp -j TPROXY --on-port 1'), module: 'xt_TPROXY' },
  },
]
