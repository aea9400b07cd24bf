/** What one pass over a JSON text tells that `JSON.parse` does not. Says nothing of whether the text is valid. */
export interface Scan {
  /** keys of all objects together, each repetition counted */
  readonly keys: number
  /** some number would not come back as it is spelt: too large or too precise for a double, `1.0`, `1e3`, `-0` */
  readonly oddNumber: boolean
  /** the deepest nesting of objects and lists */
  readonly depth: number
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a
const OPEN_LIST = 0x5b
const CLOSE_LIST = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const MINUS = 0x2d
const ZERO = 0x30
const NINE = 0x39
const COLON_NEXT = /\s*:/y

/** Reads `text` once, strings skipped. */
export function scan(text: string): Scan {
  let keys = 0
  let oddNumber = false
  let open = 0
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) at = endOfString(text, at)
    else if (code === COLON) keys++
    else if (code === OPEN_OBJECT || code === OPEN_LIST) depth = Math.max(depth, ++open)
    else if (code === CLOSE_OBJECT || code === CLOSE_LIST) open--
    else if (code === MINUS || isDigit(code)) {
      const end = endOfNumber(text, at)
      oddNumber ||= isOdd(text.slice(at, end))
      at = end - 1
    }
  }
  return { keys, oddNumber, depth }
}

/** The first key that one object of the valid JSON `text` holds twice, or undefined. */
export function firstRepeatedKey(text: string): string | undefined {
  const seen: Set<string>[] = []
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === OPEN_OBJECT || code === OPEN_LIST) seen.push(new Set())
    else if (code === CLOSE_OBJECT || code === CLOSE_LIST) seen.pop()
    else if (code === QUOTE) {
      const end = endOfString(text, at)
      COLON_NEXT.lastIndex = end + 1
      if (COLON_NEXT.test(text)) {
        const key = JSON.parse(text.slice(at, end + 1)) as string
        const keys = seen.at(-1)
        if (keys?.has(key) === true) return key
        keys?.add(key)
      }
      at = end
    }
  }
  return undefined
}

/** Would the number spelt `digits` be spelt otherwise after a round trip through a double? */
export function isOdd(digits: string): boolean {
  return String(Number(digits)) !== digits
}

/** Index of the quote that closes the string opened at `from`; the end of the text where none does. */
export function endOfString(text: string, from: number): number {
  for (let at = text.indexOf('"', from + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let backslashes = 0
    while (text.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes++
    if (backslashes % 2 === 0) return at
  }
  return text.length
}

function endOfNumber(text: string, from: number): number {
  let at = from + 1
  while (at < text.length && isOfNumber(text.charCodeAt(at))) at++
  return at
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE
}

/** `.`, `e`, `E`, `+`, `-` and digits */
function isOfNumber(code: number): boolean {
  return isDigit(code) || code === 0x2e || code === 0x65 || code === 0x45 || code === 0x2b || code === MINUS
}
