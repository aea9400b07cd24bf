import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { end, untilEnd } from './world.ts'

/** What the other end of ZDS is told to do. */
export type ZtunnelOrder =
  | { readonly do: 'hello' }
  /** from now on answer only when told to; confirmed by `order` */
  | { readonly do: 'wait' }
  /** from now on take no pod, and let those go that leave; confirmed by `order` */
  | { readonly do: 'refuse' }
  /** with its standard output as a descriptor beside it, where that is asked for */
  | { readonly do: 'send'; readonly hex: string; readonly descriptor?: boolean }
  | { readonly do: 'leave' }

/** What it saw. */
export type ZtunnelSaw =
  | { readonly saw: 'connected' | 'snapshot' | 'order' | 'hang-up' }
  /** name, namespace and service account; device and inode of the namespace */
  | { readonly saw: 'add'; readonly uid: string; readonly pod: readonly string[]; readonly netns: string }
  | { readonly saw: 'keep' | 'del'; readonly uid: string }
  | { readonly saw: 'fault'; readonly why: string }

export const ACK = '0a00'
const WAIT_MS = 15_000

/** A ztunnel in a process of its own, told what to do line by line. */
export class Ztunnel implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>
  readonly #lines: AsyncIterator<string, undefined>

  /** `serve`: it carries the traffic of the pods that it is told of; `daemon`: and comes again when its agent has gone */
  constructor(socket: string, uid = 0, work: 'look' | 'serve' | 'daemon' = 'look') {
    const program = new URL('./programs/ztunnel.ts', import.meta.url).pathname
    this.#child = spawn(process.execPath, [program, socket, String(uid), work], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]()
    untilEnd(this)
  }

  tell(...orders: readonly ZtunnelOrder[]): void {
    for (const order of orders) this.#child.stdin.write(`${JSON.stringify(order)}\n`)
  }

  /** The next thing that it sees. Throws when nothing comes within a bound that is far beyond every limit of the protocol. */
  async next(): Promise<ZtunnelSaw> {
    const { promise, reject }: PromiseWithResolvers<never> = Promise.withResolvers()
    const timer = setTimeout(() => reject(new Error(`the ztunnel saw nothing within ${WAIT_MS} ms`)), WAIT_MS)
    try {
      const { value, done } = await Promise.race([this.#lines.next(), promise])
      if (done === true) throw new Error('the ztunnel has ended')
      return JSON.parse(value) as ZtunnelSaw
    } finally {
      clearTimeout(timer)
    }
  }

  /** The next `count` things. */
  async see(count: number): Promise<readonly ZtunnelSaw[]> {
    const seen: ZtunnelSaw[] = []
    while (seen.length < count) seen.push(await this.next())
    return seen
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await end(this.#child)
  }
}
