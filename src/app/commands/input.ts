import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type CommandIo, CommandFailure, type FlagRow, type FlagValues, UsageError } from './command.ts'
import { messageOf } from '../../edge/message-of.ts'

/** A file of a command line: its name for messages, and what it holds. */
export interface InputFile {
  readonly name: string
  readonly text: string
}

/** One file, or `-` for standard input. */
export const FILE_FLAG = {
  name: 'filename',
  short: 'f',
  value: 'FILE',
  help: 'YAML or JSON of one or more objects; - reads standard input',
} as const satisfies FlagRow

/** kubectl's `-f`: files, folders of them, or `-`; and its `-R`. */
export const FILES_FLAGS: readonly FlagRow[] = [
  {
    ...FILE_FLAG,
    many: true,
    help: 'YAML or JSON of one or more objects, or a folder of such files; several by -f for each, or with commas; - reads standard input',
  },
  { name: 'recursive', short: 'R', value: null, help: 'look into the folders of a folder, too' },
]

/** What `-f` names, in the order of the command line; undefined without it. Throws as `readInput` and `filesOf` do. */
export async function readFiles(flags: FlagValues, io: CommandIo): Promise<readonly InputFile[] | undefined> {
  const paths = flags['filename']?.split(',')
  if (paths === undefined) return undefined
  const files: InputFile[] = []
  for (const path of paths)
    for (const file of await filesOf(path, flags['recursive'] === 'true')) files.push(await readInput(file, io))
  return files
}

/** The YAML and JSON files of a folder in the order of their names, or the file itself. */
export async function filesOf(path: string, recursive: boolean): Promise<readonly string[]> {
  if (path === '-') return [path]
  const names = await attempt(path, async () =>
    (await stat(path)).isDirectory() ? await readdir(path, { recursive, withFileTypes: true }) : undefined,
  )
  if (names === undefined) return [path]
  const files = names
    .filter((entry) => !entry.isDirectory() && /\.(ya?ml|json)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
  if (files.length > 0) return files
  throw new UsageError(
    `${path} is a folder without a file that ends in .yaml, .yml or .json${recursive ? '' : '; folders in it are left out'}`,
  )
}

/** The file `path`, or standard input for `-`. Throws CommandFailure naming the file. */
export async function readInput(path: string, io: CommandIo): Promise<InputFile> {
  if (path === '-') return { name: 'standard input', text: await io.stdin() }
  return { name: path, text: await attempt(path, async () => await readFile(path, 'utf8')) }
}

/** The file of an optional flag: undefined where the flag was not given. */
export async function readOptional(path: string | undefined, io: CommandIo): Promise<InputFile | undefined> {
  return path === undefined ? undefined : await readInput(path, io)
}

async function attempt<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    throw new CommandFailure(`cannot read ${path}: ${reasonOf(error)}`, { cause: error })
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a folder, and a file is wanted',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EEXIST: 'it is there already, and is not replaced',
}

/** The short reason of a failed system call. */
export function reasonOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string')
    return REASONS[error.code] ?? error.code
  return messageOf(error)
}
