import type { JsonObject } from '../json/value.ts'

/** The type of our entry, which is the name of the plugin's executable. */
export const PLUGIN_TYPE = 'sluice-cni'

/** with this capability the runtime hands a pod's annotations to the plugin */
const POD_ANNOTATIONS = 'io.kubernetes.cri.pod-annotations'

/** What the plugin is to be told at each call. */
export interface EntrySettings {
  /** path of the agent's socket on the host */
  readonly socket: string
  /** pods of these are never asked about, also while the agent is away */
  readonly excludeNamespaces: readonly string[]
}

/** Our entry of a list of plugins. */
export function pluginEntry(settings: EntrySettings): JsonObject {
  return {
    type: PLUGIN_TYPE,
    name: PLUGIN_TYPE,
    socket: settings.socket,
    excludeNamespaces: settings.excludeNamespaces,
    capabilities: { [POD_ANNOTATIONS]: true },
  }
}

const NAMESPACE = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/

/** Names of namespaces joined by commas, white space and gaps apart. Throws where one is no name of a namespace. */
export function excludedNamespaces(text: string): readonly string[] {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  const bad = names.find((name) => !NAMESPACE.test(name))
  if (bad !== undefined) throw new RangeError(`${JSON.stringify(bad)} is no name of a namespace`)
  return names
}
