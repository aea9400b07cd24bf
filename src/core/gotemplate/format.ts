import { FunctionProblem } from './functions/function.ts'
import { numberOf, printed } from './print.ts'
import { kindOf, type Value } from './value.ts'

const VERB = /%(?:%|([-+ 0#]*)(\d{1,4})?(?:\.(\d{1,3}))?(.?))/gsu

/** Go's `Sprintf` for the verbs that templates use. Throws `FunctionProblem` for another verb or a missing argument. */
export function format(layout: string, values: readonly Value[]): string {
  let next = 0
  const text = layout.replaceAll(
    VERB,
    (whole, flags: string | undefined, width?: string, precision?: string, verb?: string) => {
      if (whole === '%%') return '%'
      if (next >= values.length) throw new FunctionProblem(`printf has no argument for ${whole}`)
      const body = one(verb ?? '', values[next], precision === undefined ? undefined : Number(precision), flags ?? '')
      next += 1
      return padded(body, Number(width ?? 0), flags ?? '', numberOf(values[next - 1]) !== undefined)
    },
  )
  if (next < values.length) throw new FunctionProblem('printf has more arguments than verbs')
  return text
}

function one(verb: string, value: Value, precision: number | undefined, flags: string): string {
  switch (verb) {
    case 'v':
      return printed(value)
    case 's':
      return precision === undefined ? printed(value) : Array.from(printed(value)).slice(0, precision).join('')
    case 'q':
      return JSON.stringify(printed(value))
    case 't':
      if (typeof value === 'boolean') return String(value)
      throw new FunctionProblem(`%t needs a boolean, not ${kindOf(value)}`)
    case 'd':
      return signed(whole(value), flags, (digits) => String(digits))
    case 'x':
      return signed(whole(value), flags, (digits) => digits.toString(16))
    case 'o':
      return signed(whole(value), flags, (digits) => digits.toString(8))
    case 'f':
      return signed(numeric(value, 'f'), flags, (digits) => digits.toFixed(precision ?? 6))
    case 'g':
      return signed(numeric(value, 'g'), flags, (digits) => printed(digits))
    default:
      throw new FunctionProblem(`printf does not know %${verb}`)
  }
}

function numeric(value: Value, verb: string): number {
  const found = numberOf(value)
  if (found === undefined) throw new FunctionProblem(`%${verb} needs a number, not ${kindOf(value)}`)
  return found
}

function whole(value: Value): number {
  const found = numeric(value, 'd')
  if (!Number.isSafeInteger(found)) throw new FunctionProblem('%d needs a whole number')
  return found
}

function signed(value: number, flags: string, digits: (value: number) => string): string {
  return `${value < 0 ? '-' : flags.includes('+') ? '+' : ''}${digits(Math.abs(value))}`
}

function padded(text: string, width: number, flags: string, isNumber: boolean): string {
  if (flags.includes('-')) return text.padEnd(width)
  if (!flags.includes('0') || !isNumber) return text.padStart(width)
  const sign = /^[+-]/.exec(text)?.[0] ?? ''
  return sign + text.slice(sign.length).padStart(width - sign.length, '0')
}
