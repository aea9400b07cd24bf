/** A parsed template. `at` is the offset in its text, for messages. */
export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly at: number; readonly pipe: Pipe }
  | Control
  | { readonly kind: 'template'; readonly at: number; readonly name: string; readonly pipe: Pipe | undefined }
  | { readonly kind: 'break' | 'continue'; readonly at: number }

export interface Control {
  readonly kind: 'if' | 'with' | 'range'
  readonly at: number
  readonly pipe: Pipe
  readonly body: readonly Node[]
  readonly otherwise: readonly Node[]
}

/** `$a, $b := first | second` */
export interface Pipe {
  readonly at: number
  readonly variables: readonly string[]
  /** `:=` makes new variables, `=` changes those that are there */
  readonly declares: boolean
  readonly commands: readonly Command[]
}

export interface Command {
  readonly at: number
  readonly first: Operand
  readonly args: readonly Operand[]
}

export type Operand =
  | { readonly kind: 'function'; readonly at: number; readonly name: string }
  | { readonly kind: 'literal'; readonly at: number; readonly value: string | number | boolean | null }
  | { readonly kind: 'dot'; readonly at: number; readonly fields: readonly string[] }
  | { readonly kind: 'variable'; readonly at: number; readonly name: string; readonly fields: readonly string[] }
  | { readonly kind: 'pipe'; readonly at: number; readonly pipe: Pipe; readonly fields: readonly string[] }

/** The texts' own templates by name; the empty name is the text itself. */
export type Definitions = ReadonlyMap<string, readonly Node[]>
