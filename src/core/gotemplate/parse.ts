import type { Command, Definitions, Node, Operand, Pipe } from './ast.ts'
import type { Functions } from './functions/function.ts'
import type { Token, TokenKind } from './lex.ts'
import { TokenReader } from './token-reader.ts'

/** Actions of Go's that open a block or stand alone; every other word at the start of an action is a function. */
const KEYWORDS = new Set(['if', 'else', 'end', 'range', 'with', 'define', 'block', 'template', 'break', 'continue'])

/** Deeper nesting of blocks and parentheses is refused, so that no recursion comes near the end of the stack. */
const MAX_NESTING = 100

/**
 * The templates in `text`: the text itself under the empty name, and what it defines. Throws `TemplateError` where the
 * text is no template, or uses what the interpreter does not know: a function that is not in `functions`, a number of
 * arguments that it does not take, a variable that was not declared.
 */
export function parse(text: string, functions: Functions): Definitions {
  return new Parser(text, functions).parse()
}

interface Block {
  readonly nodes: readonly Node[]
  /** the word that closed it, and the token after that word */
  readonly closedBy: 'end' | 'else' | 'eof'
}

class Parser {
  readonly #functions: Functions
  readonly #tokens: TokenReader
  readonly #definitions = new Map<string, readonly Node[]>()
  readonly #calls: { readonly name: string; readonly at: number }[] = []
  #variables: string[] = ['']
  #nesting = 0
  #loops = 0

  constructor(text: string, functions: Functions) {
    this.#functions = functions
    this.#tokens = new TokenReader(text)
  }

  parse(): Definitions {
    const { nodes, closedBy } = this.#block()
    if (closedBy !== 'eof')
      throw this.#tokens.fault(this.#tokens.peek(), `{{${closedBy}}} without a block that it ends`)
    this.#definitions.set('', nodes)
    for (const { name, at } of this.#calls)
      if (!this.#definitions.has(name))
        throw this.#tokens.fault({ at }, `template ${JSON.stringify(name)} is not defined`)
    return this.#definitions
  }

  /** Nodes up to the end of the block; `{{else}}` is left open for the caller. */
  #block(): Block {
    this.#deeper(this.#tokens.peek())
    const nodes: Node[] = []
    for (;;) {
      const token = this.#tokens.take()
      if (token.kind === 'end') return this.#leave(nodes, 'eof')
      if (token.kind === 'text') {
        nodes.push({ kind: 'text', text: token.text })
        continue
      }
      const word = this.#tokens.peek()
      if (word.kind === 'word' && (word.text === 'end' || word.text === 'else')) {
        this.#tokens.take()
        if (word.text === 'end') this.#tokens.expect('close')
        return this.#leave(nodes, word.text)
      }
      const node = this.#action(token.at)
      if (node !== undefined) nodes.push(node)
    }
  }

  #leave(nodes: readonly Node[], closedBy: Block['closedBy']): Block {
    this.#nesting--
    return { nodes, closedBy }
  }

  #action(at: number): Node | undefined {
    const word = this.#tokens.peek()
    if (word.kind !== 'word' || !KEYWORDS.has(word.text)) return this.#plainAction(at)
    this.#tokens.take()
    switch (word.text) {
      case 'if':
      case 'with':
      case 'range':
        return this.#control(word.text, at)
      case 'break':
      case 'continue':
        if (this.#loops === 0) throw this.#tokens.fault(word, `{{${word.text}}} outside {{range}}`)
        this.#tokens.expect('close')
        return { kind: word.text, at }
      case 'template':
        return this.#call(at, this.#name(), word)
      case 'block':
        return this.#defineAndCall(at, word)
      default:
        this.#define(this.#name(), word)
        return undefined
    }
  }

  #plainAction(at: number): Node {
    const pipe = this.#pipe('close', 1)
    this.#tokens.expect('close')
    return { kind: 'action', at, pipe }
  }

  #control(kind: 'if' | 'with' | 'range', at: number): Node {
    const scope = this.#variables.length
    const pipe = this.#pipe('close', kind === 'range' ? 2 : 1)
    this.#tokens.expect('close')
    const inner = this.#variables.length
    if (kind === 'range') this.#loops++
    const body = this.#block()
    if (kind === 'range') this.#loops--
    this.#variables.length = inner
    const otherwise = this.#otherwise(kind, body, at)
    this.#variables.length = scope
    return { kind, at, pipe, body: body.nodes, otherwise }
  }

  #otherwise(kind: 'if' | 'with' | 'range', body: Block, at: number): readonly Node[] {
    if (body.closedBy === 'eof') throw this.#tokens.fault({ at }, `{{${kind}}} is not ended`)
    if (body.closedBy === 'end') return []
    const word = this.#tokens.peek()
    // `{{else if}}` is an `{{if}}` inside the `{{else}}`, and shares its `{{end}}`
    if (word.kind === 'word' && word.text === kind && kind !== 'range') {
      this.#tokens.take()
      this.#deeper(word)
      const node = this.#control(kind, word.at)
      this.#nesting--
      return [node]
    }
    this.#tokens.expect('close')
    const rest = this.#block()
    if (rest.closedBy !== 'end') throw this.#tokens.fault({ at }, `{{${kind}}} is not ended by {{end}}`)
    return rest.nodes
  }

  #define(name: string, word: Token): void {
    this.#tokens.expect('close')
    const [variables, loops] = [this.#variables, this.#loops]
    this.#variables = ['']
    this.#loops = 0
    const { nodes, closedBy } = this.#block()
    this.#variables = variables
    this.#loops = loops
    if (closedBy !== 'end') throw this.#tokens.fault(word, `{{${word.text}}} is not ended by {{end}}`)
    this.#definitions.set(name, nodes)
  }

  #defineAndCall(at: number, word: Token): Node {
    const name = this.#name()
    const pipe = this.#pipe('close', 1)
    this.#define(name, word)
    this.#calls.push({ name, at })
    return { kind: 'template', at, name, pipe }
  }

  #call(at: number, name: string, word: Token): Node {
    const pipe = this.#tokens.peek().kind === 'close' ? undefined : this.#pipe('close', 1)
    this.#tokens.expect('close')
    this.#calls.push({ name, at: word.at })
    return { kind: 'template', at, name, pipe }
  }

  #name(): string {
    const token = this.#tokens.take()
    if (token.kind !== 'string') throw this.#tokens.fault(token, 'the name of the template must be a quoted string')
    return token.text
  }

  #pipe(until: TokenKind, mostVariables: number): Pipe {
    const { at } = this.#tokens.peek()
    const { variables, declares } = this.#assignment(mostVariables)
    const commands = [this.#command(until, false)]
    while (this.#tokens.peek().kind === 'pipe') {
      this.#tokens.take()
      commands.push(this.#command(until, true))
    }
    if (declares) this.#variables.push(...variables)
    return { at, variables, declares, commands }
  }

  #assignment(most: number): Pick<Pipe, 'variables' | 'declares'> {
    const start = this.#tokens.position()
    const variables: string[] = []
    while (this.#tokens.peek().kind === 'variable') {
      variables.push(this.#tokens.take().text)
      const sign = this.#tokens.take()
      if (sign.kind === 'comma' && variables.length < most) continue
      if (sign.kind !== 'declare' && sign.kind !== 'assign') break
      const unknown = variables.find((name) => sign.kind === 'assign' && !this.#variables.includes(name))
      if (unknown !== undefined) throw this.#tokens.fault(sign, `variable $${unknown} is not declared`)
      return { variables, declares: sign.kind === 'declare' }
    }
    this.#tokens.rewind(start)
    return { variables: [], declares: false }
  }

  #command(until: TokenKind, piped: boolean): Command {
    const at = this.#tokens.peek().at
    const operands: Operand[] = []
    while (this.#tokens.peek().kind !== until && this.#tokens.peek().kind !== 'pipe') {
      if (operands.length > 0 && !this.#tokens.peek().spaced && this.#tokens.peek().kind !== 'left')
        throw this.#tokens.fault(this.#tokens.peek(), `unexpected ${JSON.stringify(this.#tokens.peek().text)}`)
      operands.push(this.#operand(operands.length === 0))
    }
    const [first, ...args] = operands
    if (first === undefined) throw this.#tokens.fault(this.#tokens.peek(), 'a value is missing')
    const count = args.length + (piped ? 1 : 0)
    if (first.kind === 'function') this.#checkCount(first, count)
    else if (count > 0) throw this.#tokens.fault({ at }, 'only a function takes arguments; methods cannot be called')
    return { at, first, args }
  }

  #checkCount({ name, at }: { readonly name: string; readonly at: number }, count: number): void {
    const known = this.#functions.get(name)
    if (known === undefined || (count >= known.min && count <= known.max)) return
    const takes = known.min === known.max ? `${known.min}` : `${known.min} to ${known.max}`
    throw this.#tokens.fault({ at }, `the function ${name} takes ${takes} arguments, not ${count}`)
  }

  #operand(first: boolean): Operand {
    const token = this.#tokens.take()
    const { at } = token
    switch (token.kind) {
      case 'string':
        return { kind: 'literal', at, value: token.text }
      case 'number':
        return { kind: 'literal', at, value: this.#number(token) }
      case 'dot':
        return { kind: 'dot', at, fields: [] }
      case 'field':
        return { kind: 'dot', at, fields: this.#fields([token.text]) }
      case 'variable':
        if (!this.#variables.includes(token.text))
          throw this.#tokens.fault(token, `variable $${token.text} is not declared`)
        return { kind: 'variable', at, name: token.text, fields: this.#fields([]) }
      case 'left': {
        this.#deeper(token)
        const pipe = this.#pipe('right', 0)
        this.#tokens.expect('right')
        this.#nesting--
        return { kind: 'pipe', at, pipe, fields: this.#fields([]) }
      }
      case 'word':
        return this.#word(token, first)
      default:
        throw this.#tokens.fault(
          token,
          token.kind === 'close' ? 'the action ends too early' : `unexpected ${JSON.stringify(token.text)}`,
        )
    }
  }

  #word(token: Token, first: boolean): Operand {
    const { text, at } = token
    if (text === 'true' || text === 'false') return { kind: 'literal', at, value: text === 'true' }
    if (text === 'nil') return { kind: 'literal', at, value: null }
    if (!this.#functions.has(text)) throw this.#tokens.fault(token, `the function ${text} is not supported`)
    // as an argument, a bare name calls the function
    if (!first) this.#checkCount({ name: text, at }, 0)
    return { kind: 'function', at, name: text }
  }

  #fields(start: readonly string[]): readonly string[] {
    const fields = [...start]
    while (this.#tokens.peek().kind === 'field' && !this.#tokens.peek().spaced) fields.push(this.#tokens.take().text)
    return fields
  }

  #number(token: Token): number {
    const value = Number(token.text.replaceAll('_', '').replace(/^\+/, ''))
    if (!Number.isFinite(value)) throw this.#tokens.fault(token, `${token.text} is no number`)
    return value
  }

  #deeper(token: Token): void {
    if (++this.#nesting > MAX_NESTING) throw this.#tokens.fault(token, `nested more than ${MAX_NESTING} deep`)
  }
}
