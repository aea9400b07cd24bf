import { once } from 'node:events'
import { writeSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { JobKind, Jobs, Place } from './netns-jobs.ts'
import type { Hello, JobAnswer, JobMessage, ThreadData } from './netns-thread.ts'
import type { ProgramPlace } from './xtables.ts'

export interface NetnsWorkerOptions {
  /** path or name of libnftables; null: this worker does without */
  readonly libnftables: string | null
  /** where nft and iptables are, and the environment that they get */
  readonly programs: ProgramPlace
  /** how long one job may take; the programs that it starts have shorter limits of their own */
  readonly hangAfterMs?: number
  /** what to do when a job hangs; a thread that blocks cannot be interrupted, so by default the process ends */
  readonly onHang?: (kind: JobKind) => void
}

interface Waiting {
  readonly message: JobMessage
  readonly settle: (answer: JobAnswer) => void
}

const HANG_AFTER_MS = 60_000
/** More jobs than a node has pods: a queue beyond it means that nothing gets done. */
const QUEUE_LIMIT = 1024

let libnftablesTaken = false

/**
 * The thread that enters network namespaces, and the queue before it. Jobs run strictly one after the other, in the order
 * asked. At most one worker of a process has libnftables, which keeps state for the whole process.
 */
export class NetnsWorker implements AsyncDisposable {
  /** whether the library is there, or what the dynamic linker said */
  readonly libnftables: Hello['libnftables']
  readonly #thread: Worker
  readonly #hangAfterMs: number
  readonly #onHang: (kind: JobKind) => void
  readonly #queue: Waiting[] = []
  #heartbeat: NodeJS.Timeout | undefined
  #ended: Error | undefined

  private constructor(thread: Worker, hello: Hello, options: NetnsWorkerOptions) {
    this.libnftables = hello.libnftables
    this.#thread = thread
    this.#hangAfterMs = options.hangAfterMs ?? HANG_AFTER_MS
    this.#onHang = options.onHang ?? endProcess
    thread.on('message', (answer: JobAnswer) => this.#answered(answer))
    thread.on('error', (error: Error) => this.#end(error))
    thread.on('exit', () => this.#end(new Error('the netns worker has ended')))
    thread.unref()
  }

  /** Starts the thread. A library that is not there is told in `libnftables`, not thrown. */
  static async start(options: NetnsWorkerOptions): Promise<NetnsWorker> {
    const takes = options.libnftables !== null
    if (takes && libnftablesTaken) throw new Error('a worker of this process has libnftables already')
    libnftablesTaken ||= takes
    // The thread pool's threads are made at its first use and inherit the namespace of whoever uses it first. Use it here,
    // in the main thread, or a pod's namespace would become the one in which this process resolves names.
    await stat('/')
    const data: ThreadData = { libnftables: options.libnftables, place: options.programs }
    const entry = new URL(`./netns-thread${extname(import.meta.filename)}`, import.meta.url)
    const thread = new Worker(entry, { workerData: data })
    const [hello] = (await once(thread, 'message')) as [Hello]
    return new NetnsWorker(thread, hello, options)
  }

  /** why it takes no job any more; undefined while it does */
  get ended(): Error | undefined {
    return this.#ended
  }

  /**
   * Runs one job in the namespace `place`, whose descriptor must stay open until the answer. Rejects with what the job threw,
   * and where the worker has ended or its queue is full.
   */
  run<K extends JobKind>(kind: K, place: Place, input: Jobs[K]['takes']): Promise<Jobs[K]['gives']> {
    const { promise, resolve, reject } = Promise.withResolvers<Jobs[K]['gives']>()
    const settle = (answer: JobAnswer): void => {
      if ('error' in answer) reject(answer.error)
      else resolve(answer.gives as Jobs[K]['gives'])
    }
    if (this.#ended !== undefined) settle({ error: this.#ended })
    else if (this.#queue.length >= QUEUE_LIMIT)
      settle({ error: new Error(`${QUEUE_LIMIT} jobs wait for the netns worker`) })
    else if (this.#queue.push({ message: { kind, place: { ...place }, input }, settle }) === 1) this.#next()
    return promise
  }

  /** Ends the thread when the job that runs is done; those behind it are rejected. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended !== undefined) return
    await this.#thread.terminate()
  }

  #next(): void {
    const [first] = this.#queue
    if (first === undefined) {
      this.#thread.unref()
      return
    }
    this.#thread.ref()
    this.#heartbeat = setTimeout(() => this.#onHang(first.message.kind), this.#hangAfterMs)
    this.#thread.postMessage(first.message)
  }

  #answered(answer: JobAnswer): void {
    clearTimeout(this.#heartbeat)
    this.#queue.shift()?.settle(answer)
    this.#next()
  }

  #end(error: Error): void {
    this.#ended ??= error
    clearTimeout(this.#heartbeat)
    for (const { settle } of this.#queue.splice(0)) settle({ error: this.#ended })
  }
}

/** Not `process.exit`: it waits for its threads, and this one does not come back. */
function endProcess(kind: JobKind): void {
  writeSync(2, `the netns worker hangs in "${kind}": ending the process\n`)
  process.kill(process.pid, 'SIGKILL')
}
