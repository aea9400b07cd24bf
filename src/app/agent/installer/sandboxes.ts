import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { entriesIn } from '../../../core/conflist/edit.ts'
import { embeddedJson } from '../../../core/json/parse.ts'
import { objectOr, stringOr } from '../../../core/json/value.ts'
import { netnsHere } from '../cni/sandbox-netns.ts'
import type { AgentPaths } from '../options.ts'
import { isAbsent } from './directory.ts'

/** A sandbox whose end the runtime may still tell the plugin of. */
export interface MadeSandbox {
  /** the runtime's record of it */
  readonly file: string
  readonly containerId: string | null
  readonly why: string
}

/**
 * The sandboxes that were made with the plugin `type`, by the records of libcni in `cacheDir`, which containerd and CRI-O both
 * keep: one for each sandbox, with the configuration that it was made with, removed by its DEL. One that cannot be read
 * counts: unknown is not no. One whose network namespace is gone from where `paths` has the node's does not: after a reboot
 * nobody ends it any more. Throws where the cache cannot be read, or is not there at all.
 */
export function sandboxesMadeWith(
  type: string,
  cacheDir: string,
  paths: Pick<AgentPaths, 'proc' | 'netnsDir'>,
): readonly MadeSandbox[] {
  if (!existsSync(cacheDir))
    throw new Error(
      `${cacheDir} is not there, so nobody knows which sandboxes need the plugin: name it by --cni-cache-dir`,
    )
  const directory = join(cacheDir, 'results')
  return namesIn(directory).flatMap((file) => {
    const record = objectOr(embeddedJson(textOf(join(directory, file))))
    const config = stringOr(record['config'])
    const containerId = stringOr(record['containerId']) ?? null
    if (config === undefined) return [{ file, containerId, why: 'its record cannot be read' }]
    const netns = stringOr(record['netns'])
    const here = netns === undefined ? null : netnsHere(netns, paths)
    if (here !== null && !existsSync(here)) return []
    const made = entriesIn(Buffer.from(config, 'base64').toString('latin1'), type).length > 0
    return made ? [{ file, containerId, why: 'it was made with the plugin' }] : []
  })
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
  } catch (error) {
    if (isAbsent(error)) return []
    throw error
  }
}

/** Empty where the file went meanwhile or cannot be read. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
