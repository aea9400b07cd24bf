import { ADDRESS_FAMILY, addressBytes, familyOf } from './addresses.ts'
import { libc, SystemError } from './libc.ts'
import { attribute, attributes, netlink } from './netlink.ts'
import { NETLINK_ROUTE, RTA_OIF, RTM } from './network.ts'

/** Where one asks by which devices packets leave. */
export interface Exits {
  readonly to: readonly string[]
  readonly devices: readonly string[]
}

const RTM_GETROUTE = 26
const RTA_DST = 1
const BITS = { 4: 32, 6: 128 } as const

/** Those of the addresses `to` to which the calling thread's namespace sends by one of `devices`. Throws a SystemError. */
export function leavingBy({ to, devices }: Exits): readonly string[] {
  const indexes = devices.map((device) => libc().if_nametoindex(device)).filter((index) => index !== 0)
  if (indexes.length === 0) return []
  return to.filter((address) => {
    const exit = exitTo(address)
    return exit !== undefined && indexes.includes(exit)
  })
}

/** The index of the device by which packets to `address` leave; undefined where they would not leave at all. */
function exitTo(address: string): number | undefined {
  const family = familyOf(address)
  const head = Buffer.from([ADDRESS_FAMILY[family], BITS[family], 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
  const body = Buffer.concat([head, attribute(RTA_DST, addressBytes(address))])
  try {
    const [route] = netlink(NETLINK_ROUTE, RTM_GETROUTE, 0, body).filter(({ type }) => type === RTM.route)
    return route === undefined ? undefined : attributes(route.body.subarray(head.length)).get(RTA_OIF)?.readUInt32LE(0)
  } catch (error) {
    // no route, one that refuses, or a family that the kernel does not have
    if (error instanceof SystemError) return undefined
    throw error
  }
}
