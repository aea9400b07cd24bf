/** A template that cannot be used, or failed on a pod; the place is that of the action in the template's text. */
export class TemplateError extends Error {
  readonly problem: string
  readonly line: number
  /** in characters, from 1 */
  readonly column: number

  constructor(problem: string, place: Place) {
    super(`line ${place.line}, column ${place.column}: ${problem}`)
    this.name = 'TemplateError'
    this.problem = problem
    this.line = place.line
    this.column = place.column
  }
}

export interface Place {
  readonly line: number
  readonly column: number
}

/** Where the character at `offset` of `text` stands. */
export function placeOf(text: string, offset: number): Place {
  const before = text.slice(0, offset)
  const line = before.split('\n').length
  return { line, column: offset - (before.lastIndexOf('\n') + 1) + 1 }
}
