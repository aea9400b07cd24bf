import { readFile } from 'node:fs/promises'
import { isMap, parseAllDocuments } from 'yaml'
import { isObject, type JsonObject } from '../../core/json/value.ts'
import { type CommandIo, CommandFailure, type FlagRow, UsageError } from './command.ts'

/** kubectl's `-f`: a file, or `-` for standard input. */
export const FILE_FLAG = {
  name: 'filename',
  short: 'f',
  value: 'FILE',
  help: 'YAML or JSON of one or more objects; - reads standard input',
} as const satisfies FlagRow

/** The text of `path`, or of standard input for `-`. Throws CommandFailure naming the file. */
export async function readText(path: string, io: CommandIo): Promise<string> {
  if (path === '-') return await io.stdin()
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new CommandFailure(`cannot read ${path}: ${reasonOf(error)}`, { cause: error })
  }
}

/** The text of an optional file flag: undefined where the flag was not given. */
export async function readOptional(path: string | undefined, io: CommandIo): Promise<string | undefined> {
  return path === undefined ? undefined : await readText(path, io)
}

/**
 * The objects of a text with one or more YAML documents (JSON is YAML); the items of a `v1` List stand for themselves.
 * Empty documents are passed over. Throws UsageError with file, line and column where it is no YAML, or no object.
 */
export function parseObjects(text: string, path: string): readonly JsonObject[] {
  const objects: JsonObject[] = []
  for (const document of parseAllDocuments(text, { uniqueKeys: false })) {
    const problem = 'errors' in document ? document.errors[0] : undefined
    if (problem !== undefined) throw new UsageError(`${path} is no YAML: ${problem.message.split('\n')[0] ?? ''}`)
    if (!('contents' in document) || document.contents === null) continue
    if (!isMap(document.contents))
      throw new UsageError(
        `${path} holds a document that is no object; a Kubernetes object starts with apiVersion and kind`,
      )
    const value: unknown = document.toJS({ maxAliasCount: 1000 })
    if (isObject(value)) objects.push(...itemsOf(value))
  }
  return objects
}

function itemsOf(object: JsonObject): readonly JsonObject[] {
  const items = object['items']
  return object['kind'] === 'List' && Array.isArray(items) ? items.filter(isObject) : [object]
}

/** The short reason of a failed system call. */
export function reasonOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    if (error.code === 'ENOENT') return 'there is no such file'
    if (error.code === 'EACCES') return 'permission denied'
    return error.code
  }
  return error instanceof Error ? error.message : String(error)
}
