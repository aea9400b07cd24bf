import type { Json } from './value.ts'

const QUANTITY = /^([+-]?)(\d*)(?:\.(\d*))?(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?\d{1,3})?$/

const DECIMAL: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 }
const BINARY: Readonly<Record<string, bigint>> = { Ki: 10n, Mi: 20n, Gi: 30n, Ti: 40n, Pi: 50n, Ei: 60n }

/** A Kubernetes quantity as one text for each value (`2000m` and `2` give the same); anything else as it is. */
export function canonicalQuantity(value: Json): Json {
  if (typeof value !== 'string' && typeof value !== 'number') return value
  const match = QUANTITY.exec(String(value))
  const [, sign = '', whole = '', fraction = '', suffix = ''] = match ?? []
  if (match === null || whole + fraction === '') return value
  const binary = BINARY[suffix]
  const exponent = binary === undefined ? (DECIMAL[suffix] ?? Number(suffix.slice(1))) : 0
  let digits = BigInt(whole + fraction) << (binary ?? 0n)
  let power = exponent - fraction.length
  while (digits !== 0n && digits % 10n === 0n) {
    digits /= 10n
    power += 1
  }
  return digits === 0n ? '0' : `${sign === '-' ? '-' : ''}${digits}e${power}`
}

/** A Kubernetes quantity in billionths, the finest that there are; undefined for anything else. */
export function nanosOf(value: Json | undefined): bigint | undefined {
  const text = value === undefined ? undefined : canonicalQuantity(value)
  const [, digits, power] = /^(-?\d+)(?:e(-?\d+))?$/.exec(typeof text === 'string' ? text : '') ?? []
  const exponent = Number(power ?? 0) + 9
  return digits === undefined || exponent < 0 ? undefined : BigInt(digits) * 10n ** BigInt(exponent)
}
