/** Addresses and prefixes in one canonical spelling, so that equal ones are equal texts in rules, annotations and listings. */
declare const canonical: unique symbol

/** An address as `10.0.0.1` or `fd00::1`; only `parseAddress` makes one. */
export type Address = string & { readonly [canonical]: 'address' }

/** A prefix as `10.0.0.0/8`, host bits cleared; only `parseCidr` makes one. */
export type Cidr = string & { readonly [canonical]: 'cidr' }

export type IpFamily = 4 | 6

const BITS: Readonly<Record<IpFamily, number>> = { 4: 32, 6: 128 }
const WORDS = 8

/** `text` in canonical spelling; null where it is no IPv4 or IPv6 address (no zone, no leading zeros, as Go's netip). */
export function parseAddress(text: string): Address | null {
  const bytes = bytesOf(text)
  return bytes === null ? null : spell(bytes)
}

/** `text` as a prefix, its host bits cleared; null where it is none. The length is required, as in Istio's annotations. */
export function parseCidr(text: string): Cidr | null {
  const [, address, length] = /^([^/]+)\/(0|[1-9][0-9]{0,2})$/.exec(text) ?? []
  if (address === undefined) return null
  const bytes = bytesOf(address)
  const prefix = Number(length)
  if (bytes === null || prefix > bytes.length * 8) return null
  const network = bytes.map((byte, index) => byte & (0xff << Math.min(8, Math.max(0, 8 * (index + 1) - prefix))) & 0xff)
  return `${spell(network)}/${prefix}` as Cidr
}

/** The family of an address or prefix. */
export function familyOf(of: Address | Cidr): IpFamily {
  return of.includes(':') ? 6 : 4
}

/** The prefix that holds `address` alone. */
export function hostCidr(address: Address): Cidr {
  return `${address}/${BITS[familyOf(address)]}` as Cidr
}

/** The only address of `cidr`, or null where it holds more. */
export function onlyAddress(cidr: Cidr): Address | null {
  const [address, prefix] = cidr.split('/')
  return Number(prefix) === BITS[familyOf(cidr)] ? (address as Address) : null
}

/** Is it of the loopback network (127.0.0.0/8, ::1)? */
export function isLoopback(of: Address | Cidr): boolean {
  const [address = ''] = of.split('/')
  return familyOf(of) === 4 ? address.startsWith('127.') : address === '::1'
}

/** Is it of an interface's own link (169.254.0.0/16, fe80::/10)? */
export function isLinkLocal(address: Address): boolean {
  return familyOf(address) === 4 ? address.startsWith('169.254.') : /^fe[89ab][0-9a-f]:/.test(address)
}

/** `address`, or the IPv4 address that an IPv6 one carries as `::ffff:10.0.0.1`. */
export function unmapped(address: Address): Address {
  const bytes = bytesOf(address)
  if (bytes?.length !== 2 * WORDS || bytes.findIndex((byte) => byte !== 0) !== 10) return address
  return bytes[10] === 0xff && bytes[11] === 0xff ? spell(bytes.slice(12)) : address
}

function bytesOf(text: string): readonly number[] | null {
  return text.includes(':') ? bytesOf6(text) : bytesOf4(text)
}

function bytesOf4(text: string): readonly number[] | null {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part))) return null
  const bytes = parts.map(Number)
  return bytes.every((byte) => byte <= 255) ? bytes : null
}

function bytesOf6(text: string): readonly number[] | null {
  const halves = text.split('::')
  if (halves.length > 2) return null
  const [head, tail] = halves.map((half, index) => wordsOf(half, index === halves.length - 1))
  if (head === null || head === undefined || tail === null) return null
  const missing = WORDS - head.length - (tail?.length ?? 0)
  if (tail === undefined ? missing !== 0 : missing < 1) return null
  const words = [...head, ...Array<number>(missing).fill(0), ...(tail ?? [])]
  return words.flatMap((word) => [word >> 8, word & 0xff])
}

/** The 16-bit words between colons; the last may be an IPv4 address. */
function wordsOf(text: string, mayEndInIpv4: boolean): readonly number[] | null {
  if (text === '') return []
  const words: number[] = []
  const parts = text.split(':')
  for (const [index, part] of parts.entries()) {
    const ipv4 = mayEndInIpv4 && index === parts.length - 1 && part.includes('.') ? bytesOf4(part) : null
    if (ipv4 !== null) words.push(word(ipv4, 0), word(ipv4, 2))
    else if (/^[0-9a-fA-F]{1,4}$/.test(part)) words.push(Number.parseInt(part, 16))
    else return null
  }
  return words
}

function word(bytes: readonly number[], at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
}

/** RFC 5952: lower case, no leading zeros, the first of the longest runs of two or more zero words as `::`. */
function spell(bytes: readonly number[]): Address {
  if (bytes.length === 4) return bytes.join('.') as Address
  const words = Array.from({ length: WORDS }, (_, index) => word(bytes, 2 * index).toString(16)).join(':')
  const runs = [...words.matchAll(/(?<![0-9a-f])0(:0)+(?![0-9a-f])/g)].map(([run]) => run)
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), '')
  if (longest === '') return words as Address
  const at = words.search(new RegExp(`(?<![0-9a-f])${longest}(?![0-9a-f])`))
  return `${words.slice(0, at).replace(/:$/, '')}::${words.slice(at + longest.length).replace(/^:/, '')}` as Address
}
