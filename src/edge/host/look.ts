import { ADDRESS_FAMILY } from './addresses.ts'
import { type Backend, dump, type Dump, type Means } from './apply.ts'
import { type InterfaceAddress, interfaceAddresses } from './interface-addresses.ts'
import { attributes, netlink, NLM_F_DUMP } from './netlink.ts'
import { legacyTables } from './xtables.ts'

/** What to look for in a namespace. */
export interface LookOrder {
  /** is listed in any case */
  readonly own: Backend
  /** are listed where they may have made something */
  readonly others: readonly Backend[]
  /** how the names of those chains begin that make a listing by iptables-nft worth its programs */
  readonly chains: string
}

/** What there is to know of a namespace before its rules are changed, in one visit. */
export interface Look {
  readonly addresses: readonly InterfaceAddress[]
  readonly own: Dump
  readonly others: readonly { readonly backend: Backend; readonly dump: Dump }[]
}

/** Looks at the calling thread's namespace (`netns`); in a fresh one that starts no program of another backend. */
export function look({ own, others, chains }: LookOrder, netns: number, means: Means): Look {
  const worthIt = others.filter((backend) => {
    if (backend === 'iptables-nft') return xtablesChains().some((name) => name.startsWith(chains))
    return backend !== 'iptables-legacy' || legacyTables().length > 0
  })
  return {
    addresses: interfaceAddresses(),
    own: dump(own, netns, means),
    others: worthIt.map((backend) => ({ backend, dump: dump(backend, netns, means) })),
  }
}

const NETLINK_NETFILTER = 12
const NFT_MSG_NEWCHAIN = (10 << 8) | 3
const NFT_MSG_GETCHAIN = (10 << 8) | 4
const NFGENMSG = 4
const NFTA_CHAIN_NAME = 3
/** iptables-nft keeps its rules in tables of these; ours are in one for both. */
const XTABLES_FAMILIES: readonly number[] = [ADDRESS_FAMILY[4], ADDRESS_FAMILY[6]]

/**
 * The names of the chains that iptables-nft may have made. Asked of the kernel: nft would print the rules in them, which it can
 * only read by loading an extension of iptables for each, and what it does not find it tells the process's own stderr.
 */
function xtablesChains(): readonly string[] {
  return netlink(NETLINK_NETFILTER, NFT_MSG_GETCHAIN, NLM_F_DUMP, Buffer.alloc(NFGENMSG))
    .filter(({ type, body }) => type === NFT_MSG_NEWCHAIN && XTABLES_FAMILIES.includes(body.readUInt8(0)))
    .map(({ body }) => attributes(body.subarray(NFGENMSG)).get(NFTA_CHAIN_NAME)?.toString().replace(/\0$/, '') ?? '')
}
