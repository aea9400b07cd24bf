import type { JsonObject } from '../../core/json/value.ts'
import type { Connection } from '../../edge/cluster/connection.ts'
import type { ListWatchLimits } from '../../edge/cluster/list-watch-options.ts'
import type { Endpoint } from '../../edge/telemetry/page-server.ts'
import type { SecretName } from '../../edge/cluster/secret-store.ts'
import type { LoggerOptions } from '../../edge/telemetry/logger.ts'
import type { LeaderLimits } from './leader/parts.ts'
import type { Limits } from './limits.ts'
import type { Installation } from './world.ts'

/** Where the serving certificate comes from. */
export type Certificates =
  /** made by the server and kept in a directory; `names` are what clients call it by (DNS names, IP addresses) */
  | { readonly from: 'self-made'; readonly directory: string; readonly names: readonly string[] }
  /** made by whichever replica comes first and kept in a Secret that all of them share */
  | {
      readonly from: 'secret'
      readonly connection: Connection
      readonly secret: SecretName
      readonly names: readonly string[]
    }
  /** two PEM files that somebody else keeps fresh */
  | { readonly from: 'files'; readonly certFile: string; readonly keyFile: string }

/** Where the facts come from: API objects that are given once, or a cluster that is followed. */
export type FactsFrom =
  | { readonly from: 'objects'; readonly objects: readonly JsonObject[] }
  | {
      readonly from: 'cluster'
      readonly connection: Connection
      readonly watch?: Partial<ListWatchLimits>
      readonly leader?: LeaderOptions
    }

/** How a replica takes part in what one of them alone does. */
export interface LeaderOptions {
  /** may it lead? */
  readonly leads: boolean
  /** its pod's name or the like; made unlike that of every other process */
  readonly name: string
  readonly limits?: Partial<Omit<LeaderLimits, 'watch'>>
}

/** Everything that a webhook server depends on; each but the first four has a default. */
export interface WebhookOptions {
  readonly facts: FactsFrom
  readonly certificates: Certificates
  /** of the HTTPS server */
  readonly listen: Endpoint
  /** of the server of `/metrics`, plain HTTP */
  readonly metrics: Endpoint
  readonly installation?: Partial<Installation>
  readonly log?: Partial<LoggerOptions>
  readonly limits?: Partial<Limits>
}

export const DEFAULT_INSTALLATION: Installation = {
  revision: '',
  istioNamespace: 'istio-system',
  sluiceNamespace: 'sluice-system',
  agentNamespace: '',
  platform: '',
  nativeSidecars: 'auto',
  compliancePolicy: '',
}
