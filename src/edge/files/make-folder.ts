import { mkdirSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/**
 * Makes the folder `path` and those above it that are missing, one by one: Node's own `recursive` never ends below a folder
 * that says ENOENT to every new one, as /proc does. Throws where something in the way is no folder, or can have none in it.
 */
export function makeFolder(path: string, mode: number): void {
  const missing: string[] = []
  let at = resolve(path)
  while (!isFolder(at)) {
    missing.unshift(at)
    at = dirname(at)
  }
  for (const folder of missing) makeOne(folder, mode)
}

function makeOne(folder: string, mode: number): void {
  try {
    mkdirSync(folder, { mode })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    // somebody else made it meanwhile
    if (code === 'EEXIST' && isFolder(folder)) return
    if (code === 'ENOENT') throw new Error(`${dirname(folder)} takes no folder`, { cause: error })
    throw error
  }
}

/** Throws where there is something else. */
function isFolder(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found !== undefined && !found.isDirectory()) throw new Error(`${path} is no folder`)
  return found !== undefined
}
