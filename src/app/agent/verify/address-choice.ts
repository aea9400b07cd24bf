import { addressBytes, addressText, familyOf } from '../../../edge/host/addresses.ts'

/** All addresses from the first to the last one, as numbers. */
interface Range {
  readonly first: bigint
  readonly last: bigint
}

const BITS = { 4: 32, 6: 128 } as const

/** Nobody has these addresses, and nobody takes them for something else (RFC 5737, 3849, 9637). */
const DOCUMENTATION = ['192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24', '2001:db8::/32', '3fff::/20']

/**
 * An address of `family` that lies in one of `included` and in none of `excluded` (prefixes as `10.0.0.0/8`): one of a
 * documentation network if it can be, else one beside an edge; null where none of those fits.
 */
export function addressWithin(family: 4 | 6, included: readonly string[], excluded: readonly string[]): string | null {
  const inside = ranges(family, included)
  const outside = ranges(family, excluded)
  const fits = (value: bigint): boolean => within(inside, value) && !within(outside, value)
  const candidates = [
    ...[...ranges(family, DOCUMENTATION), ...inside].flatMap(({ first, last }) =>
      first === last ? [first] : [first + 1n, last - 1n],
    ),
    ...outside.flatMap(({ first, last }) => [last + 1n, first - 1n]),
  ]
  const found = candidates.find(fits)
  return found === undefined ? null : textOf(family, found)
}

function ranges(family: 4 | 6, prefixes: readonly string[]): readonly Range[] {
  return prefixes
    .filter((prefix) => familyOf(prefix.split('/')[0] ?? '') === family)
    .map((prefix) => {
      const [address = '', length = ''] = prefix.split('/')
      const size = 1n << BigInt(BITS[family] - Number(length))
      const first = (numberOf(address) / size) * size
      return { first, last: first + size - 1n }
    })
}

function within(all: readonly Range[], value: bigint): boolean {
  return all.some(({ first, last }) => first <= value && value <= last)
}

function numberOf(address: string): bigint {
  return BigInt(`0x${addressBytes(address).toString('hex')}`)
}

function textOf(family: 4 | 6, value: bigint): string {
  return addressText(Buffer.from(value.toString(16).padStart(BITS[family] / 4, '0'), 'hex'))
}
