import type { Requirement, Selector } from '../settings/label-selector.ts'
import { remedy, sentence, type Reason } from '../vocabulary/reasons.ts'

/**
 * Text of the Common Expression Language, which the API server evaluates by itself. Everything here gives an expression; what
 * comes from outside enters it only through `quote`.
 */
export function quote(text: string): string {
  // JSON's escapes are CEL's, too
  return /^[\w ./:;,=()*|!-]*$/.test(text) ? `'${text}'` : JSON.stringify(text)
}

/** A list of texts. */
export function list(texts: readonly string[]): string {
  return `[${texts.map(quote).join(', ')}]`
}

/** Does the map of labels `labels` (an expression) fulfil the selector? As the API server reads selectors: `NotIn` holds where the label is absent. */
export function matchesSelector(selector: Selector, labels: string): string {
  return selector.length === 0
    ? 'true'
    : selector.map((requirement) => matchesRequirement(requirement, labels)).join(' && ')
}

function matchesRequirement({ key, operator, values }: Requirement, labels: string): string {
  const present = `${quote(key)} in ${labels}`
  const among = `${present} && ${labels}[${quote(key)}] in ${list(values)}`
  switch (operator) {
    case 'Exists':
      return present
    case 'DoesNotExist':
      return `!(${present})`
    case 'In':
      return among
    case 'NotIn':
      return `!(${among})`
  }
}

/** What a message tells of the request: a placeholder for a reason's sentence, and the expression that takes its place. */
export class Told {
  readonly expression: string

  constructor(expression: string) {
    this.expression = expression
  }

  /** Stands in the sentence until `message` puts the expression there. */
  toString(): string {
    return `\uE000${this.expression}\uE000`
  }
}

/** The message of a refusal: code, sentence and what to do, in the words of the table of reasons. */
export function message(reason: Reason): string {
  const text = `sluice: ${reason.code}: ${sentence(reason)}; to do: ${remedy(reason) ?? 'nothing'}`
  return text
    .split('\uE000')
    .map((part, index) => (index % 2 === 0 ? quote(part) : part))
    .join(' + ')
}
