import { placeOf, TemplateError } from './template-error.ts'

export type TokenKind =
  | 'text'
  | 'open'
  | 'close'
  | 'word'
  | 'field'
  | 'variable'
  | 'string'
  | 'number'
  | 'dot'
  | 'declare'
  | 'assign'
  | 'pipe'
  | 'left'
  | 'right'
  | 'comma'
  | 'end'

export interface Token {
  readonly kind: TokenKind
  /** of a string its value, of a field or variable the name without its sign, else as it is spelt */
  readonly text: string
  readonly at: number
  /** white space stands before it: `.A .B` are two operands, `.A.B` is one */
  readonly spaced: boolean
}

const SIGNS: readonly (readonly [TokenKind, RegExp])[] = [
  ['declare', /:=/y],
  ['assign', /=/y],
  ['pipe', /\|/y],
  ['left', /\(/y],
  ['right', /\)/y],
  ['comma', /,/y],
  ['variable', /\$([\p{L}_][\p{L}\p{N}_]*)?/uy],
  [
    'number',
    /[+-]?(?:0[xX][\da-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|\d[\d_]*(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)/y,
  ],
  ['field', /\.([\p{L}_][\p{L}\p{N}_]*)/uy],
  ['dot', /\./y],
  ['word', /[\p{L}_][\p{L}\p{N}_]*/uy],
]

const QUOTED = /"(?:[^"\\\n]|\\[^\n])*"/y
const RAW = /`[^`]*`/y
const CHARACTER = /'(?:[^'\\\n]|\\[^\n])+'/y
const SPACE = /[ \t\r\n]+/y
const COMMENT = /\/\*[^]*?\*\//y

/** The tokens of a template's text. Throws `TemplateError` at a character that cannot stand there. */
export function lex(text: string): readonly Token[] {
  const tokens: Token[] = []
  let at = 0
  let trim = false
  while (at < text.length) {
    const open = text.indexOf('{{', at)
    const end = open === -1 ? text.length : open
    const trimsBefore = open !== -1 && /^\{\{-[ \t\r\n]/.test(text.slice(open, open + 4))
    const piece = trimmed(text.slice(at, end), trim, trimsBefore)
    if (piece !== '') tokens.push({ kind: 'text', text: piece, at, spaced: false })
    if (open === -1) break
    const action = lexAction(text, open, open + (trimsBefore ? 3 : 2))
    tokens.push(...action.tokens)
    at = action.end
    trim = action.trimsAfter
  }
  return [...tokens, { kind: 'end', text: '', at: text.length, spaced: false }]
}

function trimmed(piece: string, start: boolean, end: boolean): string {
  const from = start ? piece.replace(/^[ \t\r\n]+/, '') : piece
  return end ? trimEnd(from) : from
}

/** By hand: a pattern anchored at the end takes square time on long white space. */
function trimEnd(piece: string): string {
  let end = piece.length
  while (end > 0 && ' \t\r\n'.includes(piece.charAt(end - 1))) end--
  return piece.slice(0, end)
}

interface Action {
  readonly tokens: readonly Token[]
  readonly end: number
  readonly trimsAfter: boolean
}

function lexAction(text: string, open: number, from: number): Action {
  const tokens: Token[] = [{ kind: 'open', text: '{{', at: open, spaced: false }]
  let at = from
  for (;;) {
    const space = matchAt(SPACE, text, at)
    at += space.length
    const close = closing(text, at, space !== '' || at === from)
    if (close !== undefined) {
      // an action that is a comment alone leaves nothing behind
      if (tokens.length === 1 && text.slice(from, at).trimStart().startsWith('/*')) return { tokens: [], ...close }
      tokens.push({ kind: 'close', text: '}}', at, spaced: space !== '' })
      return { tokens, ...close }
    }
    if (at >= text.length) throw fault(text, open, 'the action is not closed')
    const comment = tokens.length === 1 ? matchAt(COMMENT, text, at) : ''
    if (comment !== '') {
      at += comment.length
      continue
    }
    const token = lexToken(text, at, space !== '')
    tokens.push(token.token)
    at = token.end
  }
}

/** The end of the action if it is closed at `at`; ` -}}` also takes the white space that follows. */
function closing(text: string, at: number, spaced: boolean): Omit<Action, 'tokens'> | undefined {
  if (spaced && text.startsWith('-}}', at)) return { end: at + 3, trimsAfter: true }
  return text.startsWith('}}', at) ? { end: at + 2, trimsAfter: false } : undefined
}

function lexToken(text: string, at: number, spaced: boolean): { readonly token: Token; readonly end: number } {
  const literal = lexLiteral(text, at)
  if (literal !== undefined) return { token: { kind: literal.kind, text: literal.value, at, spaced }, end: literal.end }
  for (const [kind, sign] of SIGNS) {
    sign.lastIndex = at
    const match = sign.exec(text)
    if (match === null || (kind === 'number' && !/[\d]/.test(match[0]))) continue
    const named = kind === 'field' || kind === 'variable'
    return { token: { kind, text: named ? (match[1] ?? '') : match[0], at, spaced }, end: at + match[0].length }
  }
  throw fault(text, at, `unexpected ${JSON.stringify(String.fromCodePoint(text.codePointAt(at) ?? 0))}`)
}

interface Literal {
  readonly kind: 'string' | 'number'
  readonly value: string
  readonly end: number
}

function lexLiteral(text: string, at: number): Literal | undefined {
  const raw = matchAt(RAW, text, at)
  if (raw !== '') return { kind: 'string', value: raw.slice(1, -1).replaceAll('\r', ''), end: at + raw.length }
  const quoted = matchAt(QUOTED, text, at)
  if (quoted !== '')
    return { kind: 'string', value: unescaped(text, at + 1, quoted.slice(1, -1)), end: at + quoted.length }
  const character = matchAt(CHARACTER, text, at)
  if (character === '') return undefined
  const [point, more] = Array.from(unescaped(text, at + 1, character.slice(1, -1)))
  if (point === undefined || more !== undefined) throw fault(text, at, 'a character constant holds one character')
  return { kind: 'number', value: String(point.codePointAt(0)), end: at + character.length }
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  a: '\u0007',
  b: '\b',
  f: '\f',
  v: '\v',
  '\\': '\\',
  '"': '"',
  "'": "'",
}
const ESCAPE = /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{3})|(.))/gsu

function unescaped(text: string, at: number, inner: string): string {
  return inner.replaceAll(ESCAPE, (whole, x?: string, u?: string, long?: string, octal?: string, letter?: string) => {
    const hex = x ?? u ?? long
    const code =
      hex !== undefined ? Number.parseInt(hex, 16) : octal !== undefined ? Number.parseInt(octal, 8) : undefined
    if (code !== undefined && code <= 0x10ffff) return String.fromCodePoint(code)
    const plain = letter !== undefined && Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter] : undefined
    if (plain === undefined) throw fault(text, at, `unknown escape ${whole}`)
    return plain
  })
}

function matchAt(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0] ?? ''
}

function fault(text: string, at: number, problem: string): TemplateError {
  return new TemplateError(problem, placeOf(text, at))
}
