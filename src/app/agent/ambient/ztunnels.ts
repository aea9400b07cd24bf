import { once } from 'node:events'
import { closeSync, lstatSync, unlinkSync } from 'node:fs'
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Reason } from '../../../core/vocabulary/reasons.ts'
import { listenSeqpacket, openBell, ring } from '../../../edge/host/seqpacket.ts'
import type { Workload } from './ztunnel-hub.ts'
import type { ZtunnelNews, ZtunnelOrder, ZtunnelThreadData } from './ztunnel-thread.ts'

/** What happens at the socket beside the answers to `add` and `remove`: for the log, the metrics and readiness. */
export type ZtunnelEvent = Exclude<ZtunnelNews, { readonly is: 'settled' }>

export interface ZtunnelsOptions {
  /** where ztunnel connects to; Istio's is /var/run/ztunnel/ztunnel.sock. Its directory exists and belongs to root. */
  readonly socket: string
  readonly onEvent: (event: ZtunnelEvent) => void
}

/** The file that a socket is bound to. */
interface SocketFile {
  readonly path: string
  readonly inode: number | undefined
}

function socketFile(path: string): SocketFile {
  return { path, inode: lstatSync(path, { throwIfNoEntry: false })?.ino }
}

/** A distributed omit: TypeScript's own would lose the members' differences. */
type WithoutJob<T> = T extends unknown ? Omit<T, 'job'> : never

/**
 * The agent's end of ZDS (cni.md §6): ztunnels connect, are told of every pod that is known, and then of each change.
 */
export class Ztunnels implements AsyncDisposable {
  readonly #thread: Worker
  readonly #bell: number
  readonly #socket: SocketFile
  readonly #jobs = new Map<number, PromiseWithResolvers<Reason | null>>()
  #job = 0
  #ended = false

  private constructor(thread: Worker, bell: number, { socket, onEvent }: ZtunnelsOptions) {
    this.#thread = thread
    this.#bell = bell
    this.#socket = socketFile(socket)
    thread.on('message', (news: ZtunnelNews) => {
      if (news.is !== 'settled') {
        onEvent(news)
        return
      }
      this.#jobs.get(news.job)?.resolve(news.reason)
      this.#jobs.delete(news.job)
    })
    thread.on('error', (error: Error) => this.#end(error))
    thread.on('exit', () => this.#end(new Error('the thread of the ztunnel connections has ended')))
    thread.unref()
  }

  /**
   * Listens. Throws a SystemError EADDRINUSE where another process listens there: two owners would each tell ztunnel to drop the
   * other's pods.
   */
  static start(options: ZtunnelsOptions): Ztunnels {
    const bell = openBell()
    const data: ZtunnelThreadData = { listener: listenSeqpacket(options.socket), bell }
    const entry = new URL(`./ztunnel-thread${extname(import.meta.filename)}`, import.meta.url)
    return new Ztunnels(new Worker(entry, { workerData: data, trackUnmanagedFds: false }), bell, options)
  }

  /**
   * Makes a pod known, and resolves when ztunnel serves it (null) or with why it does not. The pod stays known either way: every
   * ztunnel that connects is told of it. `workload.netns` belongs to this object from now on.
   */
  add(workload: Workload): Promise<Reason | null> {
    return this.#order({ do: 'add', workload })
  }

  /** Forgets a pod, and resolves when every connected ztunnel has (null) or with what one of them said. */
  remove(uid: string): Promise<Reason | null> {
    return this.#order({ do: 'remove', uid })
  }

  /** Closes the connections and the socket; ztunnels keep serving what they serve. Promises that are open reject. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended) return
    // another agent may have put its own there since
    if (socketFile(this.#socket.path).inode === this.#socket.inode) unlinkSync(this.#socket.path)
    const exit = once(this.#thread, 'exit')
    this.#post({ do: 'stop' })
    await exit
  }

  #order(order: WithoutJob<Exclude<ZtunnelOrder, { readonly do: 'stop' }>>): Promise<Reason | null> {
    const answer = Promise.withResolvers<Reason | null>()
    if (this.#ended) {
      answer.reject(new Error('the ztunnel connections have been closed'))
      return answer.promise
    }
    const job = ++this.#job
    this.#jobs.set(job, answer)
    this.#post({ ...order, job })
    return answer.promise
  }

  #post(order: ZtunnelOrder): void {
    this.#thread.postMessage(order)
    ring(this.#bell)
  }

  #end(error: Error): void {
    if (this.#ended) return
    this.#ended = true
    closeSync(this.#bell)
    for (const { reject } of this.#jobs.values()) reject(error)
    this.#jobs.clear()
  }
}
