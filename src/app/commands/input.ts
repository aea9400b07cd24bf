import { readFile } from 'node:fs/promises'
import { type CommandIo, CommandFailure, type FlagRow } from './command.ts'

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

/** The short reason of a failed system call. */
export function reasonOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    if (error.code === 'ENOENT') return 'there is no such file'
    if (error.code === 'EACCES') return 'permission denied'
    return error.code
  }
  return error instanceof Error ? error.message : String(error)
}
