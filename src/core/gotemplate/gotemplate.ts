import type { Definitions } from './ast.ts'
import { evaluate, Fault } from './evaluate.ts'
import type { Functions } from './functions/function.ts'
import { parse } from './parse.ts'
import { placeOf, TemplateError } from './template-error.ts'
import type { Value } from './value.ts'

/** A template that can be rendered. */
export interface GoTemplate {
  readonly text: string
  readonly definitions: Definitions
  readonly functions: Functions
}

/**
 * The template in `text`, of the subset of Go's text/template that docs/templates.md describes; `functions` are those that it may
 * call. Throws `TemplateError` with line and column for whatever lies beyond it.
 */
export function parseTemplate(text: string, functions: Functions): GoTemplate {
  return { text, definitions: parse(text, functions), functions }
}

/**
 * What `template` makes of `data`. Bounded in steps, size and depth, whatever the data holds. Throws `TemplateError` with the
 * place of the action that failed.
 */
export function renderTemplate({ text, definitions, functions }: GoTemplate, data: Value): string {
  try {
    return evaluate(definitions, functions, data)
  } catch (error) {
    if (error instanceof Fault) throw new TemplateError(error.message, placeOf(text, error.at))
    throw error
  }
}
