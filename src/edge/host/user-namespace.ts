import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { libc } from './libc.ts'
import { namespaceId, openUserNamespaceOf } from './namespaces.ts'
import type { Credentials } from './sockets.ts'

/** Gives what ids inside a user namespace are outside; null for one that nobody there can have. */
export type IdMap = (inside: Credentials) => Credentials | null

/**
 * How the user namespace that owns the network namespace `netns` maps its ids. A namespace does not tell that by itself, so
 * some process in it is looked for in `proc`; null where there is none.
 */
export function idMapOf(netns: number, proc: string): IdMap | null {
  const owner = openUserNamespaceOf(netns)
  try {
    const wanted = namespaceId(owner)
    const pid = readdirSync(proc).find((name) => /^[0-9]+$/.test(name) && userNamespaceOf(join(proc, name)) === wanted)
    if (pid === undefined) return null
    const [uids, gids] = ['uid_map', 'gid_map'].map((file) => parseIdMap(readFileSync(join(proc, pid, file), 'utf8')))
    return ({ uid, gid }) => {
      const [mappedUid, mappedGid] = [uids?.(uid) ?? null, gids?.(gid) ?? null]
      return mappedUid === null || mappedGid === null ? null : { uid: mappedUid, gid: mappedGid }
    }
  } finally {
    libc().close(owner)
  }
}

/** Reads a `uid_map`: lines of first id inside, first id outside, count. */
export function parseIdMap(text: string): (inside: number) => number | null {
  const ranges = text
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
  return (inside) => {
    const range = ranges.find(([first = 0, , count = 0]) => inside >= first && inside < first + count)
    return range === undefined ? null : inside - (range[0] ?? 0) + (range[1] ?? 0)
  }
}

function userNamespaceOf(process: string): string | null {
  try {
    const { dev, ino } = statSync(join(process, 'ns/user'), { bigint: true })
    return `${dev}:${ino}`
  } catch {
    // the process is gone, or a kernel thread
    return null
  }
}
