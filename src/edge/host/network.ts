import { readFileSync } from 'node:fs'
import { ADDRESS_FAMILY, addressBytes, type Family, familyOf } from './addresses.ts'
import { interfaceAddresses } from './interface-addresses.ts'
import { libc, SystemError } from './libc.ts'
import { attribute, attributes, netlink, NLM_F_DUMP, u32 } from './netlink.ts'

/** One thing that rules need beside them: an address on an interface, a rule that picks a table by mark, the table's route. */
export type NetworkItem =
  | { readonly kind: 'address'; readonly address: string; readonly prefix: number; readonly device: string }
  | {
      readonly kind: 'rule'
      readonly family: Family
      readonly mark: number
      readonly mask: number
      readonly table: number
      /** null: where the kernel puts it, before the first rule that is there */
      readonly priority: number | null
    }
  /** everything is local: packets that the rule sends here are given to this host's sockets */
  | { readonly kind: 'local-route'; readonly family: Family; readonly device: string; readonly table: number }

export const NETLINK_ROUTE = 0
export const NLM_F_EXCL = 0x200
export const NLM_F_CREATE = 0x400
export const RTM = { address: 20, route: 24, rule: 32 } as const
/** each `RTM_NEW…` is followed by its `RTM_DEL…` and its `RTM_GET…` */
export const REMOVE = 1
const GET = 2
const SCOPE_HOST = 254
const RTN_LOCAL = 2
const RTPROT_BOOT = 3
export const FR_ACT_TO_TBL = 1

/** Adds `item` in the calling thread's namespace; false if it was there already. Throws a SystemError. */
export function addItem(item: NetworkItem): boolean {
  // the kernel counts the same rule of another program as another one
  if (item.kind === 'rule' && isThere(item)) return false
  if (isNeedless(item)) return false
  const { type, body } = encode(item)
  return unless(['EEXIST'], () => netlink(NETLINK_ROUTE, type, NLM_F_CREATE | NLM_F_EXCL, body))
}

/** Takes `item` away in the calling thread's namespace; false if it was not there. Throws a SystemError. */
export function removeItem(item: NetworkItem): boolean {
  const { type, body } = encode(item)
  return unless(ABSENT[item.kind], () => netlink(NETLINK_ROUTE, type + REMOVE, 0, body))
}

/** What the kernel says when there is nothing to remove; second, where it is built or started without the family. */
const ABSENT = {
  address: ['EADDRNOTAVAIL', 'EOPNOTSUPP'],
  rule: ['ENOENT', 'EAFNOSUPPORT'],
  'local-route': ['ESRCH', 'EOPNOTSUPP'],
} as const satisfies Record<NetworkItem['kind'], readonly string[]>

/** Does the work; false where the kernel refuses it with one of `codes`. */
export function unless(codes: readonly string[], work: () => unknown): boolean {
  try {
    work()
    return true
  } catch (error) {
    if (error instanceof SystemError && codes.includes(error.code)) return false
    throw error
  }
}

/** The rules or routes of one family in the calling thread's namespace, as the kernel writes them; `head` asks for them. */
export function dumpOf(family: Family, type: number, head: Buffer): readonly Buffer[] {
  try {
    const messages = netlink(NETLINK_ROUTE, type + GET, NLM_F_DUMP, head)
    // of a family that it does not have, the kernel refuses the rules and gives the routes of all others
    return messages.filter(({ type: is, body }) => is === type && body[0] === ADDRESS_FAMILY[family]).map((m) => m.body)
  } catch (error) {
    if (error instanceof SystemError && error.code === 'EAFNOSUPPORT') return []
    throw error
  }
}

/** Those of `items` that the calling thread's namespace lacks. Throws a SystemError. */
export function lackingItems(items: readonly NetworkItem[]): readonly NetworkItem[] {
  return items.filter((item) => {
    switch (item.kind) {
      case 'address':
        return !interfaceAddresses().some(
          ({ device, address }) => device === item.device && addressBytes(address).equals(addressBytes(item.address)),
        )
      case 'rule':
        return !isThere(item)
      case 'local-route':
        return !isNeedless(item) && !hasLocalRoute(item)
    }
  })
}

/** The kernel makes no route of IPv6 on a device from which it was taken, and nothing of IPv6 could come to it: as Istio, do without (cni.md §5.10). */
function isNeedless(item: NetworkItem): boolean {
  return item.kind === 'local-route' && item.family === 6 && isIpv6Off(item.device)
}

/** Was IPv6 taken from `device` in the calling thread's namespace? */
function isIpv6Off(device: string): boolean {
  try {
    return readFileSync(`/proc/sys/net/ipv6/conf/${device}/disable_ipv6`, 'utf8').trim() === '1'
  } catch {
    // a kernel without IPv6, or one that does not say: it answers by itself
    return false
  }
}

/** `item` as a message names it that it could not be made, with what stands in its way where that can be seen. */
export function itemText(item: NetworkItem): string {
  switch (item.kind) {
    case 'address': {
      const isOff = familyOf(item.address) === 6 && isIpv6Off(item.device)
      const why = isOff ? `, where net.ipv6.conf.${item.device}.disable_ipv6 is 1` : ''
      return `the address ${item.address}/${item.prefix} on ${item.device}${why}`
    }
    case 'rule':
      return `the IPv${item.family} rule of mark ${item.mark} for table ${item.table}`
    case 'local-route':
      return `the IPv${item.family} route of table ${item.table} on ${item.device}`
  }
}

/** Is everything local in the table of `item`? */
function hasLocalRoute({ family, device, table }: NetworkItem & { readonly kind: 'local-route' }): boolean {
  const head = Buffer.alloc(RULE_HEAD)
  head.writeUInt8(ADDRESS_FAMILY[family])
  return dumpOf(family, RTM.route, head).some((body) => {
    if (body.readUInt8(1) !== 0 || body.readUInt8(7) !== RTN_LOCAL) return false
    const found = attributes(body.subarray(RULE_HEAD))
    const inTable = found.get(RTA_TABLE)?.readUInt32LE(0) ?? body.readUInt8(4)
    return inTable === table && found.get(RTA_OIF)?.readUInt32LE(0) === interfaceIndex(device)
  })
}

/** Does a rule do what `item` says, whoever made it? */
function isThere({ family, mark, mask, table, priority }: NetworkItem & { readonly kind: 'rule' }): boolean {
  return dumpOf(family, RTM.rule, ruleHead(family)).some((body) => {
    const [dstLength, srcLength, tos] = [body.readUInt8(1), body.readUInt8(2), body.readUInt8(3)]
    const flags = body.readUInt32LE(8)
    if (dstLength + srcLength + tos + flags !== 0 || body.readUInt8(7) !== FR_ACT_TO_TBL) return false
    const found = attributes(body.subarray(RULE_HEAD))
    if (NARROWING.some((one) => found.has(one))) return false
    const number = (type: number): number | undefined => found.get(type)?.readUInt32LE(0)
    return (
      number(FRA_FWMARK) === mark &&
      number(FRA_FWMASK) === mask &&
      number(FRA_TABLE) === table &&
      (priority === null || number(FRA_PRIORITY) === priority)
    )
  })
}

function ruleHead(family: Family): Buffer {
  return Buffer.from([ADDRESS_FAMILY[family], 0, 0, 0, 0, 0, 0, FR_ACT_TO_TBL, 0, 0, 0, 0])
}

function encode(item: NetworkItem): { readonly type: number; readonly body: Buffer } {
  switch (item.kind) {
    case 'address': {
      const head = Buffer.from([ADDRESS_FAMILY[familyOf(item.address)], item.prefix, 0, SCOPE_HOST])
      const address = addressBytes(item.address)
      const body = [
        head,
        u32(interfaceIndex(item.device)),
        attribute(IFA_ADDRESS, address),
        attribute(IFA_LOCAL, address),
      ]
      return { type: RTM.address, body: Buffer.concat(body) }
    }
    case 'rule': {
      const body = [ruleHead(item.family), attribute(FRA_FWMARK, u32(item.mark)), attribute(FRA_FWMASK, u32(item.mask))]
      body.push(attribute(FRA_TABLE, u32(item.table)))
      if (item.priority !== null) body.push(attribute(FRA_PRIORITY, u32(item.priority)))
      return { type: RTM.rule, body: Buffer.concat(body) }
    }
    case 'local-route': {
      const family = ADDRESS_FAMILY[item.family]
      const head = Buffer.from([family, 0, 0, 0, 0, RTPROT_BOOT, SCOPE_HOST, RTN_LOCAL, 0, 0, 0, 0])
      const body = [head, attribute(RTA_OIF, u32(interfaceIndex(item.device))), attribute(RTA_TABLE, u32(item.table))]
      return { type: RTM.route, body: Buffer.concat(body) }
    }
  }
}

const IFA_ADDRESS = 1
const IFA_LOCAL = 2
export const RTA_OIF = 4
export const RTA_TABLE = 15
/** of a rule's message and of a route's */
export const RULE_HEAD = 12
export const FRA_PRIORITY = 6
export const FRA_FWMARK = 10
export const FRA_TABLE = 15
const FRA_FWMASK = 16
/** with one of these a rule is for some packets of the mark only: interfaces, tunnel, domain, user, protocol, ports */
const NARROWING = [3, 12, 17, 19, 20, 22, 23, 24]

function interfaceIndex(device: string): number {
  const index = libc().if_nametoindex(device)
  if (index === 0) throw new SystemError(`interface ${device}`, 'ENODEV')
  return index
}
