import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Where the project's own scripts keep what tests need and no package of the lock file brings: outside the tree, kept between runs. */
export function cacheDirectory(): string {
  const { SLUICE_CACHE: own, XDG_CACHE_HOME: xdg } = process.env
  return own ?? join(xdg ?? join(homedir(), '.cache'), 'sluice-test')
}

/** Why something could not be fetched, in one sentence: the suite that needs it is skipped with it. */
export class FetchError extends Error {}

/**
 * The folder `name` of the cache, made by `make` the first time: beside its place and renamed, so that a half-made one is
 * never found. `what` is told to whoever waits.
 */
export function cached(name: string, what: string, make: (folder: string) => void): string {
  const place = join(cacheDirectory(), name)
  if (existsSync(place)) return place
  process.stderr.write(`fetching ${what} into ${place}\n`)
  const unfinished = `${place}.${process.pid}`
  try {
    mkdirSync(unfinished, { recursive: true })
    make(unfinished)
    renameSync(unfinished, place)
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true })
    // somebody else may have made it in the meantime
    if (!existsSync(place)) throw error
  }
  return place
}

/** Runs a program, with `env` beside what this process has, and gives its output; throws a FetchError with its last line. */
export function fetchWith(
  file: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): string {
  const { status, error, stdout, stderr } = spawnSync(file, args, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C', ...env },
  })
  if (error !== undefined) throw new FetchError(`${file} cannot be run: ${error.message}`)
  if (status === 0) return stdout
  throw new FetchError(`${file} ${args[0] ?? ''} failed: ${stderr.trim().split('\n').at(-1) ?? ''}`)
}
