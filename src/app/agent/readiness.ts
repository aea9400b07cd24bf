import { sentence } from '../../core/vocabulary/reasons.ts'
import type { Check } from '../../edge/telemetry/health.ts'
import type { PluginSocket } from './cni/plugin-socket.ts'
import { installedCheck } from './installer/create-installer.ts'
import type { NodeParts } from './node-parts.ts'

/** What readiness rests on beside the node: is the agent told to stop, and does the plugin reach it? */
export interface Standing {
  readonly stopping: boolean
  /** undefined: it does not listen yet */
  readonly pluginSocket: PluginSocket | undefined
  readonly socketPath: string
}

/** What `/readyz` goes by: an agent is ready when new pods of its node can be redirected. */
export function readiness(
  { redirector: { picked }, installer }: NodeParts,
  { stopping, pluginSocket, socketPath }: Standing,
): readonly Check[] {
  return [
    stopping
      ? { name: 'running', is: 'failed', detail: 'the agent was told to stop' }
      : { name: 'running', is: 'ok', detail: 'the agent works' },
    picked.is === 'picked'
      ? { name: 'self-test', is: 'ok', detail: `traffic followed real rules, made by ${picked.backend}` }
      : { name: 'self-test', is: 'failed', detail: sentence(picked.reason) },
    pluginSocket?.check() ?? { name: 'plugin-socket', is: 'failed', detail: `nobody answers at ${socketPath}` },
    installedCheck(installer),
  ]
}
