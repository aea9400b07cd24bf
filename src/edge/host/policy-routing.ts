import { readFileSync } from 'node:fs'
import { ADDRESS_FAMILY, addressBytes, addressText, type Family } from './addresses.ts'
import { libc } from './libc.ts'
import { attribute, attributes, netlink, u32 } from './netlink.ts'
import {
  dumpOf,
  FR_ACT_TO_TBL,
  FRA_PRIORITY,
  FRA_TABLE,
  NETLINK_ROUTE,
  NLM_F_CREATE,
  NLM_F_EXCL,
  REMOVE,
  RTA_OIF,
  RTA_TABLE,
  RTM,
  RULE_HEAD,
  unless,
} from './network.ts'

/** A rule that picks a table by one destination address alone, or by the device alone that a packet comes in by. */
export interface PolicyRule {
  readonly family: Family
  readonly priority: number
  readonly table: number
  /** the mark of who made it (rtnetlink's RTPROT_…); 0: nobody said */
  readonly protocol: number
  readonly by:
    { readonly is: 'destination'; readonly address: string } | { readonly is: 'device'; readonly device: string }
}

/** A route to one address alone, by a device that some rule names. */
export interface PolicyRoute {
  readonly family: Family
  readonly address: string
  readonly device: string
  readonly table: number
}

export interface Routing {
  /** does TCP find a packet's socket, and with it the route, before routing is asked? */
  readonly earlyDemux: boolean
  readonly rules: readonly PolicyRule[]
  /** none are looked for with early demux, nor where no rule names a device */
  readonly routes: readonly PolicyRoute[]
}

export interface RuleChanges {
  readonly put: readonly PolicyRule[]
  readonly drop: readonly PolicyRule[]
}

const FAMILIES = [4, 6] as const
const LENGTH: Readonly<Record<Family, number>> = { 4: 32, 6: 128 }
const DST = 1
const FRA_IIFNAME = 3
const FRA_PROTOCOL = 21
const RTN_UNICAST = 1
/** a flag of a rule: for all packets but these. Another says that the device is gone, which changes nothing here. */
const FIB_RULE_INVERT = 2
/** what else a rule can be about: goto, mark, tunnel, suppressors, outgoing device, l3mdev, users, protocol, ports */
const OTHER_SELECTORS = [4, 10, 12, 13, 17, 19, 20, 22, 23, 24]
/** "no suppressor" is written as all ones */
const SUPPRESS_PREFIXLEN = 14

/** The rules and routes of the calling thread's namespace. Throws a SystemError. */
export function routing(): Routing {
  const rules = FAMILIES.flatMap((family) => dump(family, RTM.rule).flatMap((body) => ruleOf(family, body)))
  const names = new Set(rules.flatMap(({ by }) => (by.is === 'device' ? [by.device] : [])))
  const devices = new Map([...names].map((name) => [libc().if_nametoindex(name), name]))
  const earlyDemux = hasEarlyDemux()
  // a node can have very many routes
  const families = earlyDemux || names.size === 0 ? [] : FAMILIES
  const routes = families.flatMap((family) => dump(family, RTM.route).flatMap((body) => routeOf(family, body, devices)))
  return { earlyDemux, rules, routes }
}

/** Changes rules of the calling thread's namespace; what is there or gone already is right. Throws a SystemError. */
export function changeRules({ put, drop }: RuleChanges): null {
  for (const rule of put)
    unless(['EEXIST'], () => netlink(NETLINK_ROUTE, RTM.rule, NLM_F_CREATE | NLM_F_EXCL, encode(rule)))
  for (const rule of drop) unless(['ENOENT'], () => netlink(NETLINK_ROUTE, RTM.rule + REMOVE, 0, encode(rule)))
  return null
}

/** Both families go by this one setting; a kernel without it has early demux. */
function hasEarlyDemux(): boolean {
  try {
    return readFileSync('/proc/sys/net/ipv4/tcp_early_demux', 'utf8').trim() !== '0'
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return true
    throw error
  }
}

function dump(family: Family, type: number): readonly Buffer[] {
  const head = Buffer.alloc(RULE_HEAD)
  head.writeUInt8(ADDRESS_FAMILY[family])
  return dumpOf(family, type, head)
}

function ruleOf(family: Family, body: Buffer): readonly PolicyRule[] {
  const found = attributes(body.subarray(RULE_HEAD))
  const [to, from, tos] = [body.readUInt8(1), body.readUInt8(2), body.readUInt8(3)]
  const isInverted = (body.readUInt32LE(8) & FIB_RULE_INVERT) !== 0
  const isOther = from + tos !== 0 || isInverted || body.readUInt8(7) !== FR_ACT_TO_TBL
  if (isOther || OTHER_SELECTORS.some((one) => found.has(one))) return []
  if ((found.get(SUPPRESS_PREFIXLEN)?.readInt32LE(0) ?? -1) !== -1) return []
  const device = found.get(FRA_IIFNAME)?.toString().replace(/\0$/, '')
  const address = to === LENGTH[family] ? found.get(DST) : undefined
  const rule = {
    family,
    priority: found.get(FRA_PRIORITY)?.readUInt32LE(0) ?? 0,
    table: found.get(FRA_TABLE)?.readUInt32LE(0) ?? body.readUInt8(4),
    protocol: found.get(FRA_PROTOCOL)?.readUInt8(0) ?? 0,
  }
  if (device !== undefined) return to === 0 ? [{ ...rule, by: { is: 'device', device } }] : []
  return address === undefined ? [] : [{ ...rule, by: { is: 'destination', address: addressText(address) } }]
}

function routeOf(family: Family, body: Buffer, devices: ReadonlyMap<number, string>): readonly PolicyRoute[] {
  if (body.readUInt8(1) !== LENGTH[family] || body.readUInt8(7) !== RTN_UNICAST) return []
  const found = attributes(body.subarray(RULE_HEAD))
  const [address, device] = [found.get(DST), devices.get(found.get(RTA_OIF)?.readUInt32LE(0) ?? 0)]
  const table = found.get(RTA_TABLE)?.readUInt32LE(0) ?? body.readUInt8(4)
  return address === undefined || device === undefined ? [] : [{ family, address: addressText(address), device, table }]
}

function encode({ family, priority, table, protocol, by }: PolicyRule): Buffer {
  const to = by.is === 'destination' ? LENGTH[family] : 0
  return Buffer.concat([
    Buffer.from([ADDRESS_FAMILY[family], to, 0, 0, 0, 0, 0, FR_ACT_TO_TBL, 0, 0, 0, 0]),
    by.is === 'destination'
      ? attribute(DST, addressBytes(by.address))
      : attribute(FRA_IIFNAME, Buffer.from(`${by.device}\0`)),
    attribute(FRA_TABLE, u32(table)),
    attribute(FRA_PRIORITY, u32(priority)),
    attribute(FRA_PROTOCOL, Buffer.from([protocol])),
  ])
}
