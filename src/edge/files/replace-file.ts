import { randomBytes } from 'node:crypto'
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** Mode and owner of a file; where an owner is not given, it is who writes. */
export interface Permissions {
  readonly mode: number
  readonly owner?: { readonly uid: number; readonly gid: number }
}

/** no reader of the directories in question takes a file that ends so; what a crash left is known by it */
const UNFINISHED = /\.unfinished-[0-9a-f]{12}$/

/**
 * Puts `content` in the place of the file `path`: written beside it and made durable first, then renamed, so that at no time,
 * not even after a power cut, anybody reads half of it. `accept` is asked last, with the finished file: if it says no,
 * nothing is replaced. Returns whether it was. Throws where something fails; then nothing is left behind.
 */
export function replaceFile(
  path: string,
  content: Uint8Array,
  { mode, owner }: Permissions,
  accept: (unfinished: string) => boolean = () => true,
): boolean {
  const unfinished = join(dirname(path), `.${basename(path)}.unfinished-${randomBytes(6).toString('hex')}`)
  const file = openSync(unfinished, 'wx', 0o600)
  try {
    try {
      for (let at = 0; at < content.length;) at += writeSync(file, content, at)
      if (owner !== undefined) fchownSync(file, owner.uid, owner.gid)
      fchmodSync(file, mode)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    if (!accept(unfinished)) {
      rmSync(unfinished)
      return false
    }
    renameSync(unfinished, path)
  } catch (error) {
    rmSync(unfinished, { force: true })
    throw error
  }
  syncDirectory(dirname(path))
  return true
}

/** Makes what was renamed or removed in `directory` durable. */
export function syncDirectory(directory: string): void {
  const handle = openSync(directory, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

/** Removes what earlier calls of `replaceFile` in `directory` left when the process died, for the files that are `ours`. */
export function removeUnfinished(directory: string, ours: (file: string) => boolean): void {
  for (const file of readdirSync(directory))
    if (UNFINISHED.test(file) && ours(file.slice(1).replace(UNFINISHED, '')))
      rmSync(join(directory, file), { force: true })
}
