import type { JsonObject } from '../../core/json/value.ts'
import type { CommandIo, FlagRow } from './command.ts'
import { filesOf, readInput } from './input.ts'

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
  for (const file of await filesOf(path, false)) objects.push(...parseObjects(await readInput(file, io)))
  return objects
}
