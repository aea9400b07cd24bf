import type { Placement } from '../../core/conflist/plan.ts'
import type { JsonObject } from '../../core/json/value.ts'
import type { EnablementSelector } from '../../core/settings/ambient-enablement.ts'
import type { Connection } from '../../edge/cluster/connection.ts'
import type { ListWatchLimits } from '../../edge/cluster/list-watch-options.ts'
import type { Backend } from '../../edge/host/apply.ts'
import type { ProgramPlace } from '../../edge/host/xtables.ts'
import type { Endpoint } from '../../edge/telemetry/page-server.ts'
import type { LoggerOptions } from '../../edge/telemetry/logger.ts'
import type { NodeName } from './installer/node-names.ts'

/** Where the agent finds the node's files. Each is a flag, so that a whole agent runs inside a temporary directory. */
export interface AgentPaths {
  /** the runtime looks for plugins here */
  readonly cniBinDir: string
  /** and for its network configuration here */
  readonly cniConfDir: string
  /** what the agent keeps between its own restarts; gone after a reboot */
  readonly runDir: string
  /** where the plugin reaches the agent */
  readonly pluginSocket: string
  /** where ztunnel reaches the agent */
  readonly ztunnelSocket: string
  /** the node's processes */
  readonly proc: string
  /** where the runtime keeps the network namespaces of pods */
  readonly netnsDir: string
}

/** Where pods and namespaces are known from: a cluster that is followed, or API objects that are given once. */
export type PodsFrom =
  | { readonly from: 'cluster'; readonly connection: Connection; readonly watch?: Partial<ListWatchLimits> }
  | { readonly from: 'objects'; readonly objects: readonly JsonObject[] }

/** How rules come to the kernel. */
export interface RuleTools {
  /** path or name of libnftables; null: do without */
  readonly libnftables: string | null
  readonly programs: ProgramPlace
  /** null: the first that can do everything */
  readonly backend: Backend | null
}

/** How ambient is done on a node. */
export interface AmbientOptions {
  /** who is for it, beside what every node leaves out */
  readonly enablement: readonly EnablementSelector[]
  /** is the DNS of pods captured that do not say otherwise? ztunnel must serve it then */
  readonly dnsCapture: boolean
  /** are ip rules made for the probes of pods with a branch interface in AWS, where the host needs them? */
  readonly branchEni: boolean
}

/** How the plugin gets onto the node. */
export interface InstallSettings {
  /** the plugin's executable as the image has it */
  readonly source: string
  readonly placement: Placement
  /** what the node calls the directories of plugins and configuration, where that is another name */
  readonly nodeNames: readonly NodeName[]
}

/** Everything that an agent depends on. */
export interface AgentOptions {
  readonly nodeName: string
  /** the pod that the agent runs in; null: in none */
  readonly self: { readonly namespace: string; readonly name: string } | null
  readonly paths: AgentPaths
  readonly pods: PodsFrom
  readonly tools: RuleTools
  readonly install: InstallSettings
  /** namespaces whose pods are left alone */
  readonly excludedNamespaces: readonly string[]
  /** null: this agent does no ambient */
  readonly ambient: AmbientOptions | null
  /** how often every pod is measured */
  readonly sweepMs: number
  /** of the server of `/healthz` and `/readyz` */
  readonly health: Endpoint
  /** of the server of `/metrics` */
  readonly metrics: Endpoint
  readonly log?: Partial<LoggerOptions>
}
