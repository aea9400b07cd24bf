import { closeSync } from 'node:fs'
import type { Reason } from '../../../core/vocabulary/reasons.ts'
import type { Workload } from './ztunnel-hub.ts'
import { Ztunnels, type ZtunnelsOptions } from './ztunnels.ts'

/**
 * The socket of ztunnel, which opens when it is known which pods there are: ztunnel ends the proxies of all that the first
 * snapshot does not name. Until then it waits outside, and its proxies go on.
 */
export class LateZtunnels implements AsyncDisposable {
  #open: Ztunnels | undefined

  /** Listens, with `known` told first of all. Throws where the socket is another's. */
  open(options: ZtunnelsOptions, known: readonly Workload[]): void {
    const ztunnels = Ztunnels.start(options)
    this.#open = ztunnels
    // orders that are posted before the thread runs are carried out before anybody is let in
    for (const workload of known) void ztunnels.add(workload)
  }

  /** Listens again where the socket's file is gone or another's; true: it was. Throws where that one is in use. */
  async renew(): Promise<boolean> {
    return (await this.#open?.renew()) ?? false
  }

  async add(workload: Workload): Promise<Reason | null> {
    if (this.#open !== undefined) return await this.#open.add(workload)
    if (workload.netns !== null) closeSync(workload.netns)
    return { code: 'ztunnel_not_connected', args: {} }
  }

  async remove(uid: string): Promise<Reason | null> {
    return this.#open === undefined ? null : await this.#open.remove(uid)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#open?.[Symbol.asyncDispose]()
  }
}
