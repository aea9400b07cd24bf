import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { address } from '../../core/intent/grammar.ts'
import type { NodeFacts } from '../../core/redirection/rules-of.ts'
import { PROBE_SOURCE } from '../../core/vocabulary/ports.ts'
import { type ClusterClient, createClient } from '../../edge/cluster/client.ts'
import { type NetnsHandle, openNetns, OWN_NETNS } from '../../edge/host/namespaces.ts'
import { NetnsWorker } from '../../edge/host/netns-worker.ts'
import { createLogger, type Logger } from '../../edge/telemetry/logger.ts'
import { reportWatch } from '../watch-report.ts'
import { createInstaller } from './installer/create-installer.ts'
import type { Installer } from './installer/installer.ts'
import { Journal } from './journal.ts'
import { NetnsFinder } from './netns-finder.ts'
import { NodePods } from './node-pods.ts'
import type { AgentOptions } from './options.ts'
import { type AgentMetrics, agentMetrics } from './record.ts'
import { Redirector } from './redirector.ts'

/** What every part of an agent stands on: the node, its pods, and where to write down what happens. */
export interface NodeParts {
  readonly log: Logger
  readonly metrics: AgentMetrics
  /** makes rules, and measures where none is to be made */
  readonly worker: NetnsWorker
  readonly redirector: Redirector
  readonly journal: Journal
  readonly pods: NodePods
  readonly installer: Installer
  /** the network namespace of the kubelet */
  readonly host: NetnsHandle
  readonly finder: NetnsFinder
  /** null: there is no cluster to tell */
  readonly client: ClusterClient | null
  readonly ambientNode: NodeFacts['ambient']
}

/**
 * Opens what an agent stands on; what must be closed again is given to `stack`. Throws where the thread for network namespaces cannot be
 * started or the node's /proc cannot be read.
 */
export async function openNode(options: AgentOptions, stack: AsyncDisposableStack): Promise<NodeParts> {
  const { paths, tools, nodeName } = options
  const { libnftables, programs } = tools
  const log = createLogger({ level: 'info', ...options.log })
  const metrics = agentMetrics()
  const worker = stack.use(await NetnsWorker.start({ libnftables, programs }))
  const ambientNode = { probeSource: PROBE_ADDRESSES, dnsCapture: options.ambient?.dnsCapture ?? true }
  const journal = new Journal(join(paths.runDir, 'journal.json'), bootId(paths.proc))
  const host = stack.use(openHost(paths.proc))
  const report = reportWatch(log, (labels) => metrics.add('sluice_watch_problems_total', labels))
  return {
    ...{ log, metrics, worker, journal, host, ambientNode },
    redirector: new Redirector({ worker, backend: tools.backend, ambient: ambientNode }),
    pods: new NodePods({ nodeName, pods: options.pods, report }),
    installer: createInstaller(options, log, metrics),
    finder: new NetnsFinder({ worker, host, proc: paths.proc, netnsDir: paths.netnsDir, journal }),
    client: options.pods.from === 'cluster' ? createClient(options.pods.connection) : null,
  }
}

/** Where the kubelet's probes of ambient pods seem to come from. */
const PROBE_ADDRESSES = { 4: address.parse(PROBE_SOURCE.v4), 6: address.parse(PROBE_SOURCE.v6) }

/** What tells one run of the kernel from the next. */
function bootId(proc: string): string {
  return readFileSync(join(proc, 'sys/kernel/random/boot_id'), 'utf8').trim()
}

/** The network that the kubelet is in; where the first process may not be looked at, this process's own, which on a node is the same. */
function openHost(proc: string): NetnsHandle {
  try {
    return openNetns(join(proc, '1/ns/net'))
  } catch {
    return openNetns(OWN_NETNS)
  }
}
