import { once } from 'node:events'
import { writeSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { JobKind, Jobs, Place } from './netns-jobs.ts'
import { LANE_OF, type LaneName } from './netns-lanes.ts'
import type { Answer, Hello, JobMessage, JobNews, Order, ThreadData } from './netns-thread.ts'
import type { ProgramPlace } from './xtables.ts'

export interface NetnsWorkerOptions {
  /** path or name of libnftables; null: this worker does without */
  readonly libnftables: string | null
  /** where nft and iptables are, and the environment that they get */
  readonly programs: ProgramPlace
  /** how long one job may keep the thread; the programs that it starts have shorter limits of their own */
  readonly hangAfterMs?: number
  /** what to do when a job hangs; a thread that blocks cannot be interrupted, so by default the process ends */
  readonly onHang?: (kind: JobKind) => void
}

interface Waiting {
  readonly message: JobMessage
  readonly settle: (answer: Answer) => void
}

/** Jobs that run strictly one after the other, in the order asked. */
interface Lane {
  readonly queue: Waiting[]
  /** is the first of the queue with the thread? */
  runs: boolean
  heartbeat: NodeJS.Timeout | undefined
}

const HANG_AFTER_MS = 60_000
/** More jobs than a node has pods: a queue beyond it means that nothing gets done. */
const QUEUE_LIMIT = 1024

let libnftablesTaken = false

/**
 * The thread that enters network namespaces, and the queues before it: one for what makes rules, and one for what measures, which
 * begins only where nobody waits in the other, and lets those that come in between its steps. At most one worker of a process has
 * libnftables, which keeps state for the whole process.
 */
export class NetnsWorker implements AsyncDisposable {
  /** whether the library is there, or what the dynamic linker said */
  readonly libnftables: Hello['libnftables']
  readonly #thread: Worker
  readonly #hangAfterMs: number
  readonly #onHang: (kind: JobKind) => void
  readonly #gone: Promise<unknown>
  readonly #lanes: Readonly<Record<LaneName, Lane>> = { making: newLane(), measuring: newLane() }
  #ended: Error | undefined

  private constructor(thread: Worker, hello: Hello, options: NetnsWorkerOptions) {
    this.libnftables = hello.libnftables
    this.#thread = thread
    this.#hangAfterMs = options.hangAfterMs ?? HANG_AFTER_MS
    this.#onHang = options.onHang ?? endProcess
    thread.on('message', (news: JobNews) => this.#told(news))
    thread.on('error', (error: Error) => this.#end(error))
    thread.on('exit', () => this.#end(hasEnded()))
    this.#gone = new Promise((resolve) => thread.once('exit', resolve))
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
    const settle = (answer: Answer): void => {
      if ('error' in answer) reject(answer.error)
      else resolve(answer.gives as Jobs[K]['gives'])
    }
    const { queue } = this.#lanes[LANE_OF[kind]]
    if (this.#ended !== undefined) settle({ error: this.#ended })
    else if (queue.length >= QUEUE_LIMIT) settle({ error: new Error(`${QUEUE_LIMIT} jobs wait for the netns worker`) })
    else {
      queue.push({ message: { kind, place: { ...place }, input }, settle })
      this.#next()
    }
    return promise
  }

  /** Ends the thread when the job that keeps it is done; one that waits is given up, and those behind are rejected. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended ??= hasEnded()
    for (const { queue, runs } of Object.values(this.#lanes)) reject(queue.splice(runs ? 1 : 0), this.#ended)
    this.#thread.ref()
    this.#tell('end')
    await this.#gone
  }

  #next(): void {
    // the process is to live until the thread has ended
    if (this.#ended !== undefined) return
    const { making, measuring } = this.#lanes
    this.#start(making)
    if (!making.runs) this.#start(measuring)
    if (making.runs || measuring.runs) this.#thread.ref()
    else this.#thread.unref()
  }

  #start(lane: Lane): void {
    const [first] = lane.queue
    if (lane.runs || first === undefined) return
    lane.runs = true
    this.#watch(lane, first.message.kind, 0)
    this.#tell(first.message)
  }

  #told(news: JobNews): void {
    const lane = this.#lanes[LANE_OF[news.kind]]
    if ('waitsMs' in news) {
      this.#watch(lane, news.kind, news.waitsMs)
      return
    }
    clearTimeout(lane.heartbeat)
    lane.runs = false
    lane.queue.shift()?.settle(news)
    this.#start(this.#lanes.making)
    // not before whoever got this answer could ask for more to be made
    setImmediate(() => this.#next())
  }

  /** A job that waits keeps nobody from the thread: its time begins again when the wait is over. */
  #watch(lane: Lane, kind: JobKind, waitsMs: number): void {
    clearTimeout(lane.heartbeat)
    lane.heartbeat = setTimeout(() => this.#onHang(kind), waitsMs + this.#hangAfterMs)
  }

  #tell(order: Order): void {
    this.#thread.postMessage(order)
  }

  #end(error: Error): void {
    this.#ended ??= error
    for (const lane of Object.values(this.#lanes)) {
      clearTimeout(lane.heartbeat)
      reject(lane.queue.splice(0), this.#ended)
    }
  }
}

function newLane(): Lane {
  return { queue: [], runs: false, heartbeat: undefined }
}

function hasEnded(): Error {
  return new Error('the netns worker has ended')
}

function reject(waiting: readonly Waiting[], error: Error): void {
  for (const { settle } of waiting) settle({ error })
}

/** Not `process.exit`: it waits for its threads, and this one does not come back. */
function endProcess(kind: JobKind): void {
  writeSync(2, `the netns worker hangs in "${kind}": ending the process\n`)
  process.kill(process.pid, 'SIGKILL')
}
