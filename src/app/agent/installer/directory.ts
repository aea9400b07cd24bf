import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
} from 'node:fs'
import { join } from 'node:path'
import { MAX_TEXT } from '../../../core/conflist/configuration.ts'
import type { Step } from '../../../core/conflist/plan.ts'
import { type Directory, formOf } from '../../../core/conflist/select.ts'
import { replaceFile, syncDirectory } from '../../../edge/files/replace-file.ts'

/** Bytes as characters of the same number: what is not touched comes back as it was, whatever its encoding. */
const BYTES = 'latin1'
/** A file that is ours alone: it may hold what the primary configuration holds. */
const OWN_MODE = 0o600

/**
 * The files of `directory` that a runtime would read, and `also`. Throws where the directory or one of them cannot be read;
 * a file that goes meanwhile is not there.
 */
export function readDirectory(directory: string, also: readonly string[]): Directory {
  const files = readdirSync(directory).filter((file) => formOf(file) !== 'either' || also.includes(file))
  return new Map(
    files.flatMap((file) => {
      const text = textOf(join(directory, file))
      return text === undefined ? [] : [[file, text] as const]
    }),
  )
}

/**
 * Does `steps`, which were planned from `before`, one by one. Stops and returns false where somebody changed a file since: then
 * they are to be planned anew.
 */
export function applySteps(directory: string, steps: readonly Step[], before: Directory): boolean {
  return steps.every((step) => {
    const path = realPath(join(directory, step.file))
    const unchanged = (): boolean => textOf(path) === before.get(step.file)
    if (step.do === 'remove') {
      if (textOf(path) !== step.text) return false
      rmSync(join(directory, step.file))
      syncDirectory(directory)
      return true
    }
    const content = Buffer.from(step.text, BYTES)
    return replaceFile(path, content, permissionsLike(directory, step.like), unchanged)
  })
}

function permissionsLike(directory: string, like: string | undefined): Parameters<typeof replaceFile>[2] {
  if (like === undefined) return { mode: OWN_MODE }
  const { mode, uid, gid } = statSync(join(directory, like))
  return { mode: mode & 0o7777, owner: { uid, gid } }
}

/** Where the content of `path` stands: an owner's link stays a link. */
function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch (error) {
    if (isAbsent(error)) return path
    throw error
  }
}

/** The text of a file, of a large one only as much as shows that it is too large; undefined where there is no file. */
function textOf(path: string): string | undefined {
  let file: number
  try {
    // a pipe without a writer would hold up the agent
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
  try {
    const stat = fstatSync(file)
    if (!stat.isFile()) return undefined
    return stat.size > MAX_TEXT ? ' '.repeat(MAX_TEXT + 1) : readFileSync(file, BYTES)
  } finally {
    closeSync(file)
  }
}

/** Is `error` that something is not there? */
export function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
