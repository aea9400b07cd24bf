import type { Command, Control, Definitions, Node, Operand, Pipe } from './ast.ts'
import { FunctionProblem, type Functions } from './functions/function.ts'
import { MAX_CALLS, MAX_OUTPUT, MAX_STEPS, sizeOf } from './limits.ts'
import { byBytes, numberOf, printed } from './print.ts'
import { entryOf, fieldOf, isMap, isTrue, isValueList, kindOf, isTyped, type Value } from './value.ts'

/** A fault while a template runs; `at` is the offset in its text. */
export class Fault extends Error {
  readonly at: number

  constructor(problem: string, at: number, options?: ErrorOptions) {
    super(problem, options)
    this.name = 'Fault'
    this.at = at
  }
}

/** What the templates `definitions` make of `data`. Throws `Fault`. */
export function evaluate(definitions: Definitions, functions: Functions, data: Value): string {
  const run = new Run(definitions, functions)
  run.call('', data, 0)
  return run.text()
}

type Completion = 'done' | 'break' | 'continue'

interface Variable {
  readonly name: string
  value: Value
}

class Run {
  readonly #definitions: Definitions
  readonly #functions: Functions
  readonly #out: string[] = []
  #size = 0
  #steps = 0
  #calls = 0
  #variables: Variable[] = []

  constructor(definitions: Definitions, functions: Functions) {
    this.#definitions = definitions
    this.#functions = functions
  }

  text(): string {
    return this.#out.join('')
  }

  call(name: string, data: Value, at: number): void {
    if (++this.#calls > MAX_CALLS) throw new Fault(`templates call each other more than ${MAX_CALLS} deep`, at)
    const before = this.#variables
    this.#variables = [{ name: '', value: data }]
    this.#walk(this.#definitions.get(name) ?? [], data)
    this.#variables = before
    this.#calls--
  }

  #walk(nodes: readonly Node[], dot: Value): Completion {
    for (const node of nodes) {
      const completion = this.#node(node, dot)
      if (completion !== 'done') return completion
    }
    return 'done'
  }

  #node(node: Node, dot: Value): Completion {
    this.#step(1, node.kind === 'text' ? 0 : node.at)
    switch (node.kind) {
      case 'text':
        this.#write(node.text, 0)
        return 'done'
      case 'action': {
        const value = this.#pipe(node.pipe, dot)
        if (node.pipe.variables.length === 0)
          this.#write(
            this.#guarded(node.at, () => printed(value)),
            node.at,
          )
        return 'done'
      }
      case 'if':
      case 'with':
        return this.#inScope(() => {
          const value = this.#pipe(node.pipe, dot)
          const inner = node.kind === 'with' ? value : dot
          return isTrue(value) ? this.#walk(node.body, inner) : this.#walk(node.otherwise, dot)
        })
      case 'range':
        return this.#inScope(() => this.#range(node, dot))
      case 'template':
        this.call(node.name, node.pipe === undefined ? undefined : this.#pipe(node.pipe, dot), node.at)
        return 'done'
      case 'break':
      case 'continue':
        return node.kind
    }
  }

  #range(node: Control, dot: Value): Completion {
    const pairs = this.#elements(this.#pipe({ ...node.pipe, variables: [] }, dot), node.at)
    const [first, second] = node.pipe.variables
    let empty = true
    for (const [key, value] of pairs) {
      empty = false
      this.#step(1, node.at)
      const completion = this.#inScope(() => {
        if (first !== undefined) this.#set(first, second === undefined ? value : key, node.pipe.declares)
        if (second !== undefined) this.#set(second, value, node.pipe.declares)
        return this.#walk(node.body, value)
      })
      if (completion === 'break') break
    }
    return empty ? this.#walk(node.otherwise, dot) : 'done'
  }

  /** What `range` walks: lists in order, maps by key, a number as often. */
  *#elements(value: Value, at: number): Generator<readonly [Value, Value]> {
    const count = numberOf(value)
    if (isValueList(value)) yield* value.entries()
    else if (isMap(value)) for (const key of Object.keys(value).toSorted(byBytes)) yield [key, value[key]]
    else if (count !== undefined) for (let index = 0; index < count; index++) yield [index, index]
    else if (isTrue(value)) throw new Fault(`range cannot walk ${kindOf(value)}`, at)
  }

  #inScope<T>(inside: () => T): T {
    const mark = this.#variables.length
    const result = inside()
    this.#variables.length = mark
    return result
  }

  #set(name: string, value: Value, declares: boolean): void {
    const there = declares ? undefined : this.#variables.findLast((variable) => variable.name === name)
    if (there === undefined) this.#variables.push({ name, value })
    else there.value = value
  }

  #pipe(pipe: Pipe, dot: Value): Value {
    let value: Value
    pipe.commands.forEach((command, index) => {
      value = this.#command(command, dot, index === 0 ? [] : [value])
    })
    const [name] = pipe.variables
    if (name !== undefined) this.#set(name, value, pipe.declares)
    return value
  }

  #command({ first, args, at }: Command, dot: Value, piped: readonly Value[]): Value {
    this.#step(1, at)
    if (first.kind !== 'function') return this.#operand(first, dot)
    if (first.name === 'and' || first.name === 'or') return this.#shortCircuit(first.name, args, dot, piped)
    const values = [...args.map((arg) => this.#operand(arg, dot)), ...piped]
    return this.#apply(first.name, values, first.at)
  }

  /** `and` and `or` look no further than they need. */
  #shortCircuit(name: 'and' | 'or', args: readonly Operand[], dot: Value, piped: readonly Value[]): Value {
    let value: Value
    for (const arg of args) {
      value = this.#operand(arg, dot)
      if (isTrue(value) === (name === 'or')) return value
    }
    return piped.length === 0 ? value : piped[0]
  }

  #apply(name: string, values: readonly Value[], at: number): Value {
    const known = this.#functions.get(name)
    if (known === undefined) throw new Fault(`the function ${name} is not supported`, at)
    return this.#guarded(at, () => {
      const result = known.call(values)
      this.#step(sizeOf(result), at)
      return result
    })
  }

  #guarded<T>(at: number, make: () => T): T {
    try {
      return make()
    } catch (cause) {
      if (cause instanceof FunctionProblem) throw new Fault(cause.message, at, { cause })
      throw cause
    }
  }

  #operand(operand: Operand, dot: Value): Value {
    switch (operand.kind) {
      case 'literal':
        return operand.value
      case 'function':
        return this.#command({ at: operand.at, first: operand, args: [] }, dot, [])
      case 'dot':
        return this.#fields(dot, operand.fields, operand.at)
      case 'variable':
        return this.#fields(this.#variable(operand.name), operand.fields, operand.at)
      case 'pipe':
        return this.#fields(this.#pipe(operand.pipe, dot), operand.fields, operand.at)
    }
  }

  #variable(name: string): Value {
    return this.#variables.findLast((variable) => variable.name === name)?.value
  }

  #fields(value: Value, names: readonly string[], at: number): Value {
    return names.reduce((soFar, name) => field(soFar, name, at), value)
  }

  #step(count: number, at: number): void {
    this.#steps += count
    if (this.#steps > MAX_STEPS) throw new Fault('the template takes too many steps', at)
  }

  #write(text: string, at: number): void {
    this.#size += text.length
    if (this.#size > MAX_OUTPUT) throw new Fault('the result is too large', at)
    this.#out.push(text)
  }
}

/** As in Go: nothing of a key that is absent is nothing, but of a null it is a fault. */
function field(value: Value, name: string, at: number): Value {
  if (value === undefined) return undefined
  if (isMap(value)) return entryOf(value, name)
  if (isTyped(value)) {
    const found = fieldOf(value, name)
    if (found !== undefined) return found
    throw new Fault(`there is no field ${name}`, at)
  }
  // the wrappers and enums of the mesh's messages are scalars here
  if (['Value', 'GetValue', 'String'].includes(name) && !isValueList(value) && value !== null) return value
  throw new Fault(`${kindOf(value)} has no field ${name}`, at)
}
