import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

/**
 * The node's processes, as `proc` shows them. They come and go while one reads: what cannot be read is passed over, and a process
 * that nobody may look at is one of those.
 */

/** The user of the first process whose name and command line are such; undefined where there is none. */
export function userOfProcess(
  proc: string,
  isSuch: (name: string, commandLine: readonly string[]) => boolean,
): number | undefined {
  for (const pid of pidsOf(proc)) {
    const at = join(proc, String(pid))
    const user = ofProcess(() => {
      const name = readFileSync(join(at, 'comm'), 'utf8').trimEnd()
      const commandLine = readFileSync(join(at, 'cmdline'), 'utf8').split('\0')
      return isSuch(name, commandLine) ? statSync(at).uid : undefined
    })
    if (user !== undefined) return user
  }
  return undefined
}

function pidsOf(proc: string): readonly number[] {
  return readdirSync(proc)
    .filter((name) => /^[1-9][0-9]*$/.test(name))
    .map(Number)
    .sort((one, other) => one - other)
}

function ofProcess<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES' || code === 'EPERM') return undefined
    throw error
  }
}
