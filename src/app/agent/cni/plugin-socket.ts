import type { Reason } from '../../../core/vocabulary/reasons.ts'
import type { Check } from '../../../edge/telemetry/health.ts'
import type { Logger } from '../../../edge/telemetry/logger.ts'
import { messageOf } from '../../../edge/message-of.ts'
import { type Loop, periodic, reportTurn } from '../loop.ts'
import type { AgentMetrics } from '../record.ts'
import type { CniServer } from './server.ts'

export interface PluginSocketOptions {
  readonly server: Pick<CniServer, 'renew' | 'answers'>
  readonly path: string
  readonly metrics: AgentMetrics
  readonly log: Logger
}

const EVERY_MS = 5_000

/**
 * Looks whether the plugin still reaches the server by its path. A file that somebody removed or replaced is put back; one that leads
 * to another process is left alone, and this agent is not ready until that one goes.
 */
export class PluginSocket {
  readonly loop: Loop
  readonly #options: PluginSocketOptions
  #problem: string | null = null

  constructor(options: PluginSocketOptions) {
    this.#options = options
    this.loop = periodic({
      name: 'plugin-socket',
      everyMs: EVERY_MS,
      turn: async () => {
        this.#problem = await this.#look()
      },
      report: reportTurn(options.log, 'plugin-socket'),
    })
  }

  check(): Check {
    const { path } = this.#options
    if (this.#problem !== null) return { name: 'plugin-socket', is: 'failed', detail: this.#problem }
    return { name: 'plugin-socket', is: 'ok', detail: `this agent answers at ${path}` }
  }

  alarms(): readonly Reason[] {
    return this.#problem === null ? [] : [{ code: 'plugin_socket_lost', args: { problem: this.#problem } }]
  }

  async #look(): Promise<string | null> {
    const { server, path, metrics, log } = this.#options
    try {
      if (await server.renew()) {
        metrics.add('sluice_sockets_renewed_total', { socket: 'plugin' })
        log.warn({ path }, "the file of the plugin's socket was removed or replaced, and leads here again")
      }
      return (await server.answers()) ? null : `nobody answers at ${path}`
    } catch (error) {
      return messageOf(error)
    }
  }
}
