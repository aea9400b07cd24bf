import { labelsOf } from '../../core/json/pod.ts'
import { hasStatus } from '../../edge/cluster/api-error.ts'
import type { ClusterClient, Selection } from '../../edge/cluster/client.ts'
import { CommandFailure, type FlagRow, type FlagValues, UsageError } from './command.ts'

/** kubectl's flags for where to look. */
export const NAMESPACE_FLAG = {
  name: 'namespace',
  short: 'n',
  value: 'NAME',
  help: "the namespace to look into; the kubeconfig's if not given",
} as const satisfies FlagRow

export const ALL_NAMESPACES_FLAG = {
  name: 'all-namespaces',
  short: 'A',
  value: null,
  help: 'look into every namespace',
} as const satisfies FlagRow

export const SELECTOR_FLAG = {
  name: 'selector',
  short: 'l',
  value: 'LABELS',
  help: 'only pods with these labels, as kubectl takes them: app=web,tier!=cache',
} as const satisfies FlagRow

/** The namespace that `-n`, `-A` or the kubeconfig means; undefined for all. Throws UsageError where it can be none's name. */
export function namespaceMeant(flags: FlagValues, current: string): string | undefined {
  return flags[ALL_NAMESPACES_FLAG.name] === 'true' ? undefined : (namespaceGiven(flags) ?? current)
}

/** The namespace of `-n`. Throws UsageError where it can be none's name. */
export function namespaceGiven(flags: FlagValues): string | undefined {
  const name = flags[NAMESPACE_FLAG.name]
  if (name === undefined || (/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name) && name.length <= 63)) return name
  throw new UsageError(`--namespace is '${name}', which is no name of a namespace`)
}

/** `-n` of a command that asks the webhook about a pod of its own. */
export const PROBE_NAMESPACE_FLAG = {
  ...NAMESPACE_FLAG,
  help: "where a pod is created as a dry run, to prove that the webhook answers; the kubeconfig's namespace if not given",
} as const satisfies FlagRow

/** What `-l` asks for; the API server reads it. */
export function selectionOf(flags: FlagValues): Selection {
  const labelSelector = flags[SELECTOR_FLAG.name]
  return labelSelector === undefined ? {} : { labelSelector }
}

/**
 * The labels of a namespace, by one call for which rights in it are enough. Throws CommandFailure where there is no such
 * namespace: nothing found there must not look like nothing wrong.
 */
export async function labelsOfNamespace(
  client: ClusterClient,
  name: string,
): Promise<Readonly<Record<string, string>>> {
  const target = { resource: { group: '', version: 'v1', plural: 'namespaces' }, name }
  try {
    return labelsOf(await client.get(target))
  } catch (error) {
    if (hasStatus(error, 404)) throw new CommandFailure(`there is no namespace ${name}`, { cause: error })
    throw error
  }
}
