import { stringify as yaml } from 'yaml'
import { eachLine } from '../../core/vocabulary/one-line.ts'
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
      return `${JSON.stringify(value, null, 2)}\n`
    case 'yaml':
      return yaml(value, { lineWidth: 0 })
    default:
      return eachLine(text())
  }
}
