/** The little of protobuf's wire format that ZDS uses (https://protobuf.dev/programming-guides/encoding): varints and what is length-delimited. */

/** One field as it stood on the wire. */
export type Field =
  | { readonly number: number; readonly is: 'varint'; readonly value: bigint }
  | { readonly number: number; readonly is: 'bytes'; readonly bytes: Uint8Array }
  /** a wire type that no field of ZDS has: read over, as an unknown field must be */
  | { readonly number: number; readonly is: 'other' }

const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const
const MORE = 0x80
/** 64 bits at 7 a byte */
const LONGEST_VARINT = 10

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

/** The field `number` holding `bytes`: a message, or a text in UTF-8. An empty one is written too: within a oneof it counts. */
export function bytesField(number: number, bytes: Uint8Array): Uint8Array {
  return joined([varint((number << 3) | WIRE.bytes), varint(bytes.length), bytes])
}

/** The field `number` holding `text`; nothing for an empty text, which is proto3's default. */
export function textField(number: number, text: string): Uint8Array {
  return text === '' ? new Uint8Array() : bytesField(number, encoder.encode(text))
}

/** The parts, one after the other. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

/** The fields of one message in the order sent. Throws a SyntaxError for what is no protobuf message. */
export function fieldsOf(message: Uint8Array): readonly Field[] {
  const out: Field[] = []
  let at = 0
  const readVarint = (): bigint => {
    let value = 0n
    for (let i = 0; i < LONGEST_VARINT; i++) {
      const byte = message[at++]
      if (byte === undefined) throw new SyntaxError('it ends within a number')
      value |= BigInt(byte & (MORE - 1)) << BigInt(7 * i)
      if (byte < MORE) return BigInt.asUintN(64, value)
    }
    throw new SyntaxError('a number is longer than 64 bits')
  }
  const take = (length: number): Uint8Array => {
    if (length > message.length - at) throw new SyntaxError('it ends within a field')
    at += length
    return message.subarray(at - length, at)
  }
  while (at < message.length) {
    const key = Number(readVarint())
    const number = Math.floor(key / 8)
    switch (key % 8) {
      case WIRE.varint:
        out.push({ number, is: 'varint', value: readVarint() })
        break
      case WIRE.bytes:
        out.push({ number, is: 'bytes', bytes: take(Number(readVarint())) })
        break
      case WIRE.fixed64:
        take(8)
        out.push({ number, is: 'other' })
        break
      case WIRE.fixed32:
        take(4)
        out.push({ number, is: 'other' })
        break
      default:
        throw new SyntaxError(`a field has the wire type ${key % 8}, which protobuf no longer has`)
    }
  }
  return out
}

/** `bytes` as text. Throws a SyntaxError where they are not UTF-8, which proto3 demands of a string. */
export function textOf(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch {
    throw new SyntaxError('a text is not UTF-8')
  }
}

function varint(value: number): Uint8Array {
  const out: number[] = []
  let rest = value
  for (; rest >= MORE; rest = Math.floor(rest / MORE)) out.push((rest % MORE) | MORE)
  out.push(rest)
  return Uint8Array.from(out)
}
