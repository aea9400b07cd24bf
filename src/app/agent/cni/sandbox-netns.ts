import { statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Reason } from '../../../core/vocabulary/reasons.ts'
import { type NamespaceId, type NetnsHandle, openNetns } from '../../../edge/host/namespaces.ts'
import { messageOf } from '../../../edge/message-of.ts'
import type { AgentPaths } from '../options.ts'

export type OpenedNetns =
  | { readonly is: 'open'; readonly path: string; readonly netns: NetnsHandle }
  | { readonly is: 'refused'; readonly reason: Reason }

const OF_PROCESS = /^\/proc\/([1-9][0-9]*)\/ns\/net$/
const FILE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/

/** Opens the network namespaces that runtimes name, and refuses every one that cannot be a pod's. */
export class SandboxNamespaces {
  readonly #paths: Pick<AgentPaths, 'proc' | 'netnsDir'>
  readonly #forbidden: ReadonlyMap<NamespaceId, string>

  constructor(paths: Pick<AgentPaths, 'proc' | 'netnsDir'>) {
    this.#paths = paths
    const own = identify('/proc/self/ns/net')
    // without the right to look at the first process the agent's own is all that is known; on a node it is the host's
    const host = identify(join(paths.proc, '1/ns/net'))
    this.#forbidden = new Map([
      ...(own === null ? [] : [[own, "it is the agent's own"] as const]),
      ...(host === null ? [] : [[host, "it is the node's"] as const]),
    ])
  }

  /** Opens what the runtime calls `path`. The caller closes it. */
  open(path: string): OpenedNetns {
    const here = netnsHere(path, this.#paths)
    if (here === null) return refused(path, 'no runtime keeps one there')
    let netns: NetnsHandle
    try {
      netns = openNetns(here)
    } catch (error) {
      // in the runtime's words, who may have the file under another name
      return refused(path, messageOf(error).replaceAll(here, path))
    }
    const problem = this.#forbidden.get(netns.id)
    if (problem === undefined) return { is: 'open', path: here, netns }
    netns[Symbol.dispose]()
    return refused(path, problem)
  }
}

/** Where this process finds what is at `path` on the node; null where no runtime keeps a namespace. */
export function netnsHere(path: string, { proc, netnsDir }: Pick<AgentPaths, 'proc' | 'netnsDir'>): string | null {
  const pid = OF_PROCESS.exec(path)?.[1]
  if (pid !== undefined) return join(proc, pid, 'ns/net')
  const name = basename(path)
  const isKnown = dirname(path).endsWith('/netns') || dirname(path) === netnsDir
  return isKnown && FILE_NAME.test(name) ? join(netnsDir, name) : null
}

function identify(path: string): NamespaceId | null {
  try {
    const { dev, ino } = statSync(path, { bigint: true })
    return `${dev}:${ino}`
  } catch {
    return null
  }
}

function refused(path: string, problem: string): OpenedNetns {
  return { is: 'refused', reason: { code: 'netns_refused', args: { path, problem } } }
}
