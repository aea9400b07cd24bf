import { homedir } from 'node:os'
import { join } from 'node:path'

/** Where the project's own scripts keep what tests need and no package of the lock file brings: outside the tree, kept between runs. */
export function cacheDirectory(): string {
  const { SLUICE_CACHE: own, XDG_CACHE_HOME: xdg } = process.env
  return own ?? join(xdg ?? join(homedir(), '.cache'), 'sluice-test')
}
