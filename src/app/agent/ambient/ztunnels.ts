import { once } from 'node:events'
import { closeSync } from 'node:fs'
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Reason } from '../../../core/vocabulary/reasons.ts'
import { type Listening, listenSeqpacket, openBell, ring } from '../../../edge/host/seqpacket.ts'
import type { Workload } from './ztunnel-hub.ts'
import type { ZtunnelNews, ZtunnelOrder, ZtunnelThreadData } from './ztunnel-thread.ts'

/** What happens at the socket beside the answers to `add` and `remove`: for the log, the metrics and readiness. */
export type ZtunnelEvent =
  | Exclude<ZtunnelNews, { readonly is: 'settled' }>
  /** the thread ended unasked: nothing is served any more, and every connection is gone or soon will be */
  | { readonly is: 'ended'; readonly reason: Reason }

export interface ZtunnelsOptions {
  /** where ztunnel connects to; Istio's is /var/run/ztunnel/ztunnel.sock. Its directory exists and belongs to root. */
  readonly socket: string
  readonly onEvent: (event: ZtunnelEvent) => void
}

/** A distributed omit: TypeScript's own would lose the members' differences. */
type WithoutJob<T> = T extends unknown ? Omit<T, 'job'> : never

type Job = Exclude<ZtunnelOrder, { readonly do: 'stop' }>

/**
 * The agent's end of ZDS (cni.md §6): ztunnels connect, are told of every pod that is known, and then of each change.
 */
export class Ztunnels implements AsyncDisposable {
  readonly #thread: Worker
  readonly #bell: number
  readonly #options: ZtunnelsOptions
  readonly #jobs = new Map<number, (reason: Reason | null) => void>()
  /** the one that ztunnels find, last; those before it are closed as soon as the thread has let go of them */
  readonly #listening: Listening[]
  #job = 0
  /** why orders are not taken any more; null: they are */
  #closed: Reason | null = null
  #fault = 'it stopped by itself'

  private constructor(thread: Worker, bell: number, listening: Listening, options: ZtunnelsOptions) {
    this.#thread = thread
    this.#bell = bell
    this.#options = options
    this.#listening = [listening]
    thread.on('message', (news: ZtunnelNews) => {
      if (news.is === 'settled') this.#settle(news.job, news.reason)
      else options.onEvent(news)
    })
    thread.on('error', (error: Error) => (this.#fault = error.message))
    // not before: until then the thread may still wait at what is closed here
    thread.on('exit', () => this.#end())
    thread.unref()
  }

  /**
   * Listens. Throws a SystemError EADDRINUSE where another process owns the socket: two owners would each tell ztunnel to drop the
   * other's pods.
   */
  static start(options: ZtunnelsOptions): Ztunnels {
    const listening = listenSeqpacket(options.socket)
    const bell = openBell()
    const data: ZtunnelThreadData = { listener: listening.fd, bell }
    const entry = new URL(`./ztunnel-thread${extname(import.meta.filename)}`, import.meta.url)
    return new Ztunnels(new Worker(entry, { workerData: data, trackUnmanagedFds: false }), bell, listening, options)
  }

  /**
   * Makes a pod known, and resolves when ztunnel serves it (null) or with why it does not. The pod stays known either way: every
   * ztunnel that connects is told of it. `workload.netns` belongs to this object from now on.
   */
  async add(workload: Workload): Promise<Reason | null> {
    if (this.#closed !== null && workload.netns !== null) closeSync(workload.netns)
    return await this.#order({ do: 'add', workload })
  }

  /** Forgets a pod, and resolves when every connected ztunnel has (null) or with what one of them said. */
  async remove(uid: string): Promise<Reason | null> {
    return await this.#order({ do: 'remove', uid })
  }

  /**
   * Listens at the path again where the socket's file was removed or replaced; true: it was. Connections stay. Throws a SystemError
   * EADDRINUSE where a process that lives owns what is there now.
   */
  async renew(): Promise<boolean> {
    const before = this.#listening.at(-1)
    if (this.#closed !== null || before === undefined || before.file.isInPlace) return false
    const listening = listenSeqpacket(this.#options.socket)
    this.#listening.push(listening)
    await this.#order({ do: 'listen', listener: listening.fd })
    // where the thread has ended meanwhile, all of them were closed
    const [closing] = this.#listening.splice(0, this.#listening.indexOf(before) + 1)
    if (closing !== undefined) closeSync(closing.fd)
    return true
  }

  /** Closes the connections and the socket; ztunnels keep serving what they serve. Whoever waits is told that the agent stops. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed !== null) return
    this.#closed = { code: 'agent_stopping', args: {} }
    // another agent may have put its own there since
    this.#listening.at(-1)?.file.remove()
    const exit = once(this.#thread, 'exit')
    this.#post({ do: 'stop' })
    // else a process that has nothing else to wait for would end here, whatever is to come after
    this.#thread.ref()
    await exit
  }

  async #order(order: WithoutJob<Job>): Promise<Reason | null> {
    if (this.#closed !== null) return this.#closed
    const { promise, resolve } = Promise.withResolvers<Reason | null>()
    const job = ++this.#job
    this.#jobs.set(job, resolve)
    this.#post({ ...order, job })
    return await promise
  }

  #settle(job: number, reason: Reason | null): void {
    this.#jobs.get(job)?.(reason)
    this.#jobs.delete(job)
  }

  #post(order: ZtunnelOrder): void {
    this.#thread.postMessage(order)
    ring(this.#bell)
  }

  #end(): void {
    const wasAsked = this.#closed !== null
    const reason = this.#closed ?? ({ code: 'ztunnel_thread_ended', args: { error: this.#fault } } as const)
    this.#closed = reason
    closeSync(this.#bell)
    for (const { fd, file } of this.#listening.splice(0)) {
      file.remove()
      closeSync(fd)
    }
    for (const job of [...this.#jobs.keys()]) this.#settle(job, reason)
    if (!wasAsked) this.#options.onEvent({ is: 'ended', reason })
  }
}
