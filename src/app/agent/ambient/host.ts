import { dirname } from 'node:path'
import { type Reason, remedy, sentence } from '../../../core/vocabulary/reasons.ts'
import { makeFolder } from '../../../edge/files/make-folder.ts'
import { SystemError } from '../../../edge/host/libc.ts'
import type { Logger } from '../../../edge/telemetry/logger.ts'
import { messageOf } from '../../../edge/message-of.ts'
import type { Ambient } from './ambient.ts'
import type { LateZtunnels } from './late-ztunnels.ts'
import type { OwnConditionOptions } from './own-condition.ts'
import type { Preflight } from './preflight.ts'
import type { ProbePath } from './probe-path.ts'
import type { ZtunnelEvent } from './ztunnels.ts'

export interface AmbientHostOptions {
  readonly ztunnels: LateZtunnels
  readonly ztunnelSocket: string
  readonly probePath: Pick<ProbePath, 'ensure' | 'reconcile'>
  /** tries the probe path with real probes */
  readonly preflight: () => Promise<Preflight>
  /** called for each event, after it has been taken into account here */
  readonly onEvent: (event: ZtunnelEvent) => void
  /** called when the socket's file had to be put back */
  readonly onRenewed: () => void
  readonly log: Pick<Logger, 'warn'>
}

/** How often the rules and the sets of the host are looked at, which nobody should change. */
const HOST_MS = 30_000
/** How often the probe path is tried again that did not let a probe through. */
const TRIAL_MS = 60_000

/** What ambient needs of the node before a pod can be brought in: ztunnel's socket, and the way of the kubelet's probes. */
export class AmbientHost {
  readonly #options: AmbientHostOptions
  /** why no pod may be brought in now */
  #trouble: Reason | null = { code: 'ambient_starting', args: {} }
  /** why nothing will ever come right in this process */
  #lost: Reason | null = null
  /** what the last trial of the probe path showed */
  #trial: Preflight = { problem: null, warnings: [] }
  #triedAt = -Infinity
  #lookedAt = -Infinity
  #listens = false
  #connected = 0

  constructor(options: AmbientHostOptions) {
    this.#options = options
  }

  /** Does ztunnel's socket lead to this agent, as far as is known? */
  get listens(): boolean {
    return this.#listens
  }

  /** How many ztunnels are connected. */
  get connected(): number {
    return this.#connected
  }

  /** Why this node brings no pod in; null: it does. */
  unable(): Reason | null {
    return this.#lost ?? this.#trouble
  }

  /** What the agent says of its node in the status of its own pod. */
  ability(): ReturnType<OwnConditionOptions['ability']> {
    const connected: Reason = { code: this.#connected > 0 ? 'ambient_ready' : 'ztunnel_not_connected', args: {} }
    return { reason: this.unable() ?? connected, warnings: this.#trial.warnings }
  }

  /** Makes socket, rules and sets as `pods` need them. The socket is looked at each time, the rest when it is due or was in trouble. */
  async look(pods: Pick<Ambient, 'known' | 'members'>): Promise<void> {
    if (this.#lost !== null) return
    const now = performance.now()
    const socket = await this.#listen(pods)
    if (socket === null && this.#trouble === null && now - this.#lookedAt <= HOST_MS) return
    // also beside another agent that owns the socket: when it goes, the way of probes is there already
    const host = await this.#preparePath(pods, socket === null, now)
    this.#trouble = socket ?? host
    this.#lookedAt = now
  }

  /** ztunnel's socket, which leads here when this gives null. Asked again and again: somebody may have removed its file. */
  async #listen(pods: Pick<Ambient, 'known'>): Promise<Reason | null> {
    const { ztunnels, ztunnelSocket: socket, onRenewed } = this.#options
    try {
      makeFolder(dirname(socket), 0o755)
      if (!this.#listens) ztunnels.open({ socket, onEvent: (event) => this.#hear(event) }, pods.known())
      else if (await ztunnels.renew()) onRenewed()
      this.#listens = true
      return null
    } catch (error) {
      if (error instanceof SystemError && error.code === 'EADDRINUSE')
        return { code: 'ztunnel_socket_owned', args: { socket } }
      const why = messageOf(error)
      return { code: 'ztunnel_socket_unusable', args: { error: why } }
    }
  }

  #hear(event: ZtunnelEvent): void {
    if (event.is === 'connected') this.#connected++
    if (event.is === 'closed') this.#connected--
    if (event.is === 'ended') {
      this.#lost = event.reason
      this.#connected = 0
    }
    this.#options.onEvent(event)
  }

  /** `alone`: no other agent puts pods into the same sets. */
  async #preparePath(pods: Pick<Ambient, 'members'>, alone: boolean, now: number): Promise<Reason | null> {
    const { probePath } = this.#options
    const ensured = await probePath.ensure()
    if (ensured !== null) return ensured
    const { want, complete } = pods.members()
    return (await probePath.reconcile(want, complete && alone)) ?? (await this.#try(now))
  }

  /** Once a probe came through it is believed; what did not is tried again. */
  async #try(now: number): Promise<Reason | null> {
    const isDue = this.#triedAt === -Infinity || (this.#trial.problem !== null && now - this.#triedAt > TRIAL_MS)
    if (!isDue) return this.#trial.problem
    this.#trial = await this.#options.preflight()
    this.#triedAt = now
    for (const warning of this.#trial.warnings)
      this.#options.log.warn({ reason: warning.code, fix: remedy(warning) }, sentence(warning))
    return this.#trial.problem
  }
}
