import type { Value } from '../value.ts'

/** A function that templates may call. */
export interface TemplateFunction {
  readonly min: number
  readonly max: number
  /** Throws `FunctionProblem` where an argument does not fit. */
  readonly call: (args: readonly Value[]) => Value
}

/** Functions by name. */
export type Functions = ReadonlyMap<string, TemplateFunction>

/** An argument that a function cannot use; whoever calls adds where. */
export class FunctionProblem extends Error {
  constructor(problem: string) {
    super(problem)
    this.name = 'FunctionProblem'
  }
}

/** A function of `count` arguments. */
export function fixed(count: number, call: TemplateFunction['call']): TemplateFunction {
  return { min: count, max: count, call }
}

/** A function of `min` arguments or more. */
export function variadic(min: number, call: TemplateFunction['call']): TemplateFunction {
  return { min, max: Infinity, call }
}
