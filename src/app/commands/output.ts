import { Document, visit } from 'yaml'
import { eachLine, escapeUnseen } from '../../core/vocabulary/one-line.ts'
import type { FlagRow, FlagValues } from './command.ts'

/** The flag `-o` of every command that answers a question: text for people, json and yaml for machines. */
export const OUTPUT_FLAG = {
  name: 'output',
  short: 'o',
  value: 'FORMAT',
  choices: ['text', 'json', 'yaml'],
  default: 'text',
  help: 'how to print the answer',
} as const satisfies FlagRow

/** Prints `value` as `-o` asks; `text` makes the form for people and is only called when it is wanted. */
export function render(flags: FlagValues, value: unknown, text: () => string): string {
  switch (flags['output']) {
    case 'json':
      return jsonText(value)
    case 'yaml':
      return yamlText(value)
    default:
      return eachLine(text())
  }
}

/** `value` as JSON that shows itself whole in a terminal: machines read the same from escapes. */
export function jsonText(value: unknown): string {
  return escapeUnseen(`${JSON.stringify(value, null, 2)}\n`)
}

/** What YAML 1.2 alone takes for a number. */
const OCTAL = /^0o[0-7]+$/

/**
 * The same in YAML, which knows escapes in double quotes alone. Read by either version: kubectl's is 1.1, for which `yes`, `n` and `1:30` are no
 * texts unless they are quoted.
 */
function yamlText(value: unknown): string {
  const document = new Document(value, { version: '1.1', aliasDuplicateObjects: false })
  visit(document, {
    Scalar: (_, node) => {
      const { value: text } = node
      if (typeof text === 'string' && (text !== escapeUnseen(text) || OCTAL.test(text))) node.type = 'QUOTE_DOUBLE'
    },
  })
  return escapeUnseen(document.toString({ lineWidth: 0 }))
}
