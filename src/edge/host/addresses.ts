import { isIPv4, isIPv6 } from 'node:net'

export type Family = 4 | 6

/** An address and a port, as text and number. */
export interface Endpoint {
  readonly address: string
  readonly port: number
}

export const AF_INET = 2
export const AF_INET6 = 10
/** The kernel's number for a family. */
export const ADDRESS_FAMILY: Readonly<Record<Family, number>> = { 4: AF_INET, 6: AF_INET6 }

/** The bytes of an IP address in network order. Throws a RangeError for anything else, and for one with a zone. */
export function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number))
  if (!isIPv6(address) || address.includes('%')) throw new RangeError(`not an IP address: ${JSON.stringify(address)}`)
  // the URL parser knows every written form, the dotted tail included, and gives the canonical one
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const groups = (part: string): number[] => (part === '' ? [] : part.split(':').map((group) => parseInt(group, 16)))
  const left = groups(head)
  const right = groups(tail ?? '')
  const bytes = Buffer.alloc(16)
  left.forEach((group, i) => bytes.writeUInt16BE(group, 2 * i))
  right.forEach((group, i) => bytes.writeUInt16BE(group, 16 - 2 * (right.length - i)))
  return bytes
}

/** The text of an address of 4 or 16 bytes; an IPv4 address mapped into IPv6 is given as IPv4. */
export function addressText(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.')
  if (bytes.subarray(0, 12).equals(MAPPED)) return bytes.subarray(12).join('.')
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16))
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
}

const MAPPED = Buffer.from('00000000000000000000ffff', 'hex')

/** The family of `address`. */
export function familyOf(address: string): Family {
  return isIPv4(address) ? 4 : 6
}

/** `struct sockaddr_in` or `sockaddr_in6` for an endpoint. */
export function socketAddress({ address, port }: Endpoint): Buffer {
  const bytes = addressBytes(address)
  const out = Buffer.alloc(bytes.length === 4 ? 16 : 28)
  out.writeUInt16LE(bytes.length === 4 ? AF_INET : AF_INET6, 0)
  out.writeUInt16BE(port, 2)
  bytes.copy(out, bytes.length === 4 ? 4 : 8)
  return out
}

/** The endpoint in a `struct sockaddr_in` or `sockaddr_in6`. */
export function endpointOf(socketAddress: Buffer): Endpoint {
  const four = socketAddress.readUInt16LE(0) === AF_INET
  return {
    address: addressText(four ? socketAddress.subarray(4, 8) : socketAddress.subarray(8, 24)),
    port: socketAddress.readUInt16BE(2),
  }
}
