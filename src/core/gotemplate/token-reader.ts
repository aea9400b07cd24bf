import { lex, type Token, type TokenKind } from './lex.ts'
import { placeOf, TemplateError } from './template-error.ts'

/** The tokens of a template, one after the other, and faults that name the place of a token in the text. */
export class TokenReader {
  readonly #text: string
  readonly #tokens: readonly Token[]
  #next = 0

  /** Throws `TemplateError` where `text` holds what is no token. */
  constructor(text: string) {
    this.#text = text
    this.#tokens = lex(text)
  }

  /** The next token, which stays; at the end of the text one of the kind `end`. */
  peek(): Token {
    return this.#tokens[this.#next] ?? END
  }

  take(): Token {
    const token = this.peek()
    this.#next++
    return token
  }

  /** Takes the next token, and throws `TemplateError` where it is not of `kind`. */
  expect(kind: TokenKind): void {
    const token = this.take()
    if (token.kind !== kind) throw this.fault(token, `unexpected ${JSON.stringify(token.text)}`)
  }

  /** Where reading is, for a later `rewind`. */
  position(): number {
    return this.#next
  }

  rewind(position: number): void {
    this.#next = position
  }

  /** The error for `problem` at a place of the text. */
  fault({ at }: Pick<Token, 'at'>, problem: string): TemplateError {
    return new TemplateError(problem, placeOf(this.#text, at))
  }
}

const END: Token = { kind: 'end', text: '', at: 0, spaced: false }
