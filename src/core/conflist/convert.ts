import { isObject, type Json, type JsonObject, stringOr } from '../json/value.ts'
import { readConfiguration } from './configuration.ts'
import { cut, membersOf } from './members.ts'

/** What a list was made of: kept inside our own entry, so that file and original can never part. */
export interface Original {
  readonly file: string
  readonly text: string
}

/** The name of a network whose owner gave it none: Istio's, and without one no plugin runs. */
const UNNAMED = 'k8s-pod-network'

/**
 * The configuration of one plugin, `text`, as a list of that plugin. Name and version of the network stay what they are: the
 * addresses that are given out are kept under that name, and each plugin behind the first is run with that version.
 */
export function listOfSingle(text: string): string {
  const members = membersOf(text)
  const [version, name] = ['cniVersion', 'name'].map((key) => {
    const said = members.findLast((member) => member.key === key)
    return said === undefined || cut(text, said.value) === 'null' ? undefined : said
  })
  const head = [
    ...(version === undefined ? [] : [`"cniVersion": ${cut(text, version.value)}`]),
    `"name": ${name === undefined ? JSON.stringify(UNNAMED) : cut(text, name.value)}`,
  ]
  const lineEnd = text.includes('\r\n') ? '\r\n' : '\n'
  const plugin = without(text, 'cniVersion').trim().replace(/\n/g, '\n    ')
  const lines = ['{', ...head.map((member) => `  ${member},`), '  "plugins": [', `    ${plugin}`, '  ]', '}', '']
  return lines.join(lineEnd)
}

/** The original that `entry` carries, or undefined. */
export function originalIn(entry: JsonObject): Original | undefined {
  const original: Json | undefined = entry['original']
  if (!isObject(original)) return undefined
  const file = stringOr(original['file'])
  const text = stringOr(original['text'])
  if (file === undefined || text === undefined || readConfiguration(text, 'single').is !== 'single') return undefined
  return { file, text }
}

/** The object `text` without its members named `key`. */
function without(text: string, key: string): string {
  const members = membersOf(text)
  const at = members.findIndex((member) => member.key === key)
  const here = members[at]
  if (here === undefined) return text
  const before = members[at - 1]
  const next = members[at + 1]
  const start = before === undefined ? here.keySpan.start : before.value.end
  const end = before === undefined ? (next?.keySpan.start ?? here.value.end) : here.value.end
  return without(text.slice(0, start) + text.slice(end), key)
}
