import { hasStatus } from './api-error.ts'
import { partOf, textOf, type ApiObject } from './api-object.ts'
import { createClient, type ClusterClient } from './client.ts'
import { SYSTEM_CLOCK, type Clock } from './clock.ts'
import type { Connection } from './connection.ts'
import type { Target } from './resource.ts'
import { Watchdog } from './watchdog.ts'

const LEASES = { group: 'coordination.k8s.io', version: 'v1', plural: 'leases' }

export interface ElectionLimits {
  /** others take a lease over that nobody renewed for so long */
  readonly leaseMs: number
  /** whoever could not renew for so long stops leading: earlier than others take over, since clocks run differently */
  readonly renewMs: number
  /** between two tries */
  readonly everyMs: number
}

export const ELECTION_LIMITS: ElectionLimits = { leaseMs: 15_000, renewMs: 10_000, everyMs: 2_000 }

export interface ElectionOptions {
  readonly connection: Connection
  readonly lease: { readonly namespace: string; readonly name: string }
  /** who we are: unlike that of every other process */
  readonly identity: string
  /** what the leader does until `signal` aborts; from then on it writes nothing */
  readonly lead: (signal: AbortSignal) => Promise<void>
  readonly report: (error: unknown) => void
  /** told when leading begins and ends */
  readonly announce: (leading: boolean) => void
  readonly limits?: Partial<ElectionLimits>
  readonly clock?: Clock
}

interface Term {
  readonly watchdog: Watchdog
  readonly over: Promise<void>
}

/**
 * One of several processes leads, by a Lease. Time is measured by the own clock alone, from the moment that a renewal was
 * sent: a leader that hears nothing from the API server has stopped before another one begins. What it had sent before is
 * decided by the API server, so that a leader's writes must be harmless when they come late.
 */
export class Election {
  readonly #options: ElectionOptions
  readonly #limits: ElectionLimits
  readonly #clock: Clock
  readonly #target: Target
  #term: Term | undefined
  #seen: { readonly version: string; readonly atMs: number } | undefined

  constructor(options: ElectionOptions) {
    this.#options = options
    this.#limits = { ...ELECTION_LIMITS, ...options.limits }
    this.#clock = options.clock ?? SYSTEM_CLOCK
    this.#target = { resource: LEASES, ...options.lease }
  }

  get leading(): boolean {
    return this.#term !== undefined && !this.#term.watchdog.signal.aborted
  }

  /** Takes part until `signal` aborts, then gives the lease back so that another need not wait; never throws. */
  async run(signal: AbortSignal): Promise<void> {
    const client = createClient(this.#options.connection, { timeoutMs: this.#limits.renewMs / 2, signal })
    while (!signal.aborted) {
      await this.#turn(client, signal)
      await this.#clock.sleep(this.#limits.everyMs * (1 + this.#clock.random() / 4), signal)
    }
    const led = this.#term !== undefined
    await this.#endTerm()
    if (led) await this.#release()
  }

  async #turn(client: ClusterClient, signal: AbortSignal): Promise<void> {
    if (this.#term !== undefined && !this.leading) await this.#endTerm()
    const sentAt = this.#clock.now()
    try {
      const lease = await this.#read(client)
      if (lease !== undefined && !this.#isFree(lease)) {
        await this.#endTerm()
        return
      }
      if (lease === undefined)
        await client.create({ resource: LEASES, namespace: this.#options.lease.namespace }, this.#claim({}))
      else await client.replace(this.#target, this.#claim(lease))
      this.#renewed(sentAt, signal)
    } catch (error) {
      // a conflict: another one was faster, and the next look tells who
      if (signal.aborted || hasStatus(error, 409)) return
      this.#options.report(error)
    }
  }

  async #read(client: ClusterClient): Promise<ApiObject | undefined> {
    try {
      return await client.get(this.#target)
    } catch (error) {
      if (hasStatus(error, 404)) return undefined
      throw error
    }
  }

  /** Ours, nobody's, or not renewed for as long as its holder said, by our own clock. */
  #isFree(lease: ApiObject): boolean {
    const { holderIdentity, leaseDurationSeconds } = partOf(lease['spec'])
    const holder = textOf(holderIdentity)
    const version = textOf(partOf(lease['metadata'])['resourceVersion'])
    if (this.#seen?.version !== version) this.#seen = { version, atMs: this.#clock.now() }
    if (holder === '' || holder === this.#options.identity) return true
    const leaseMs = typeof leaseDurationSeconds === 'number' ? leaseDurationSeconds * 1000 : this.#limits.leaseMs
    return this.#clock.now() - this.#seen.atMs >= leaseMs
  }

  /** The lease as it is when we hold it; replaces the version that was read. */
  #claim(lease: ApiObject): ApiObject {
    const { namespace, name } = this.#options.lease
    const spec = partOf(lease['spec'])
    const isOurs = spec['holderIdentity'] === this.#options.identity
    const now = microTime(new Date())
    const transitions = typeof spec['leaseTransitions'] === 'number' ? spec['leaseTransitions'] : 0
    return {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { ...partOf(lease['metadata']), namespace, name },
      spec: {
        ...spec,
        holderIdentity: this.#options.identity,
        leaseDurationSeconds: Math.ceil(this.#limits.leaseMs / 1000),
        renewTime: now,
        ...(isOurs ? {} : { acquireTime: now, leaseTransitions: transitions + 1 }),
      },
    }
  }

  #renewed(sentAt: number, signal: AbortSignal): void {
    const leftMs = sentAt + this.#limits.renewMs - this.#clock.now()
    if (leftMs <= 0) return
    if (this.#term === undefined) {
      const watchdog = new Watchdog(signal)
      watchdog.feed(leftMs, 'the lease was not renewed')
      this.#options.announce(true)
      // a leader that stopped by itself begins anew with the next renewal
      const over = this.#options
        .lead(watchdog.signal)
        .catch(this.#options.report)
        .finally(() => watchdog.cut())
      this.#term = { watchdog, over }
    } else this.#term.watchdog.feed(leftMs, 'the lease was not renewed')
  }

  async #endTerm(): Promise<void> {
    const term = this.#term
    if (term === undefined) return
    term.watchdog.cut()
    await term.over
    term.watchdog.end()
    this.#term = undefined
    this.#options.announce(false)
  }

  async #release(): Promise<void> {
    const client = createClient(this.#options.connection, { timeoutMs: this.#limits.everyMs })
    try {
      const lease = await client.get(this.#target)
      const spec = partOf(lease['spec'])
      if (spec['holderIdentity'] !== this.#options.identity) return
      await client.replace(this.#target, { ...lease, spec: { ...spec, holderIdentity: '', leaseDurationSeconds: 1 } })
    } catch (error) {
      this.#options.report(error)
    }
  }
}

/** As the API writes times of leases and events: six digits behind the second. */
export function microTime(date: Date): string {
  return date.toISOString().replace('Z', '000Z')
}
