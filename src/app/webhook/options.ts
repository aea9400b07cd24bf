import type { JsonObject } from '../../core/json/value.ts'
import type { Connection } from '../../edge/cluster/connection.ts'
import type { ListWatchLimits } from '../../edge/cluster/list-watch-options.ts'
import type { Endpoint } from '../../edge/telemetry/health.ts'
import type { LoggerOptions } from '../../edge/telemetry/logger.ts'
import type { Limits } from './limits.ts'
import type { Installation } from './world.ts'

/** Where the serving certificate comes from. */
export type Certificates =
  /** made by the server and kept in a directory; `names` are what clients call it by (DNS names, IP addresses) */
  | { readonly from: 'self-made'; readonly directory: string; readonly names: readonly string[] }
  /** two PEM files that somebody else keeps fresh */
  | { readonly from: 'files'; readonly certFile: string; readonly keyFile: string }

/** Where the facts come from: API objects that are given once, or a cluster that is followed. */
export type FactsFrom =
  | { readonly from: 'objects'; readonly objects: readonly JsonObject[] }
  | { readonly from: 'cluster'; readonly connection: Connection; readonly watch?: Partial<ListWatchLimits> }

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
  platform: '',
  nativeSidecars: 'auto',
  compliancePolicy: '',
}
