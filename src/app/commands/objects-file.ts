import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { JsonObject } from '../../core/json/value.ts'
import { type CommandIo, CommandFailure, type FlagRow } from './command.ts'
import { readText, reasonOf } from './input.ts'

/** API objects from files in the place of a cluster: nodes, namespaces, ConfigMaps, DaemonSets, in kubectl's form. */
export const OBJECTS_FLAG = {
  name: 'objects',
  value: 'PATH',
  help: 'API objects (nodes, namespaces, ConfigMaps, DaemonSets) that stand for the cluster: a YAML file, or a folder of them',
} as const satisfies FlagRow

/** The objects of a file, or of every YAML and JSON file of a folder, in the order of their names. */
export async function readObjects(path: string, io: CommandIo): Promise<readonly JsonObject[]> {
  // not before: servers that are given a cluster never read YAML, and it takes megabytes
  const { parseObjects } = await import('./parse-objects.ts')
  const objects: JsonObject[] = []
  for (const file of await filesOf(path)) objects.push(...parseObjects(await readText(file, io), file))
  return objects
}

async function filesOf(path: string): Promise<readonly string[]> {
  if (path === '-') return [path]
  try {
    if (!(await stat(path)).isDirectory()) return [path]
    const names = await readdir(path)
    return names
      .filter((name) => /\.(ya?ml|json)$/.test(name))
      .sort()
      .map((name) => join(path, name))
  } catch (error) {
    throw new CommandFailure(`cannot read ${path}: ${reasonOf(error)}`, { cause: error })
  }
}
