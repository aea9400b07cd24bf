import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { end, type TestNetns, untilEnd } from './world.ts'

/** What an actor is told to do. */
export type Order =
  | { readonly do: 'serve'; readonly over: 'tcp' | 'udp'; readonly address: string; readonly port: number }
  | {
      readonly do: 'dial'
      readonly over: 'tcp' | 'udp'
      readonly address: string
      readonly port: number
      readonly hold?: string
    }
  /** ask once more over a connection that was held */
  | { readonly do: 'again'; readonly hold: string }

/** What a server saw of one who asked it. */
export interface Seen {
  readonly server: string
  readonly remote: string
  readonly local: string
  /** one line per proxy on the way, the last one first: `PROXY TCP4 source destination sport dport` */
  readonly proxies: readonly string[]
}

export type Told =
  { readonly done: true } | { readonly seen: Seen; readonly from: string } | { readonly failed: string }

export interface User {
  readonly uid: number
  readonly gid: number
}

/** Somebody inside a namespace. */
export class Actor implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>
  readonly #waiting = new Map<number, (told: Told) => void>()
  #next = 0

  constructor(name: string, netns: TestNetns, { uid, gid }: User) {
    const program = new URL('./programs/actor.ts', import.meta.url).pathname
    const args = [process.execPath, program, name, String(uid), String(gid)]
    this.#child = spawn('ip', ['netns', 'exec', netns.name, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      const { id, told } = JSON.parse(line) as { id: number; told: Told }
      this.#waiting.get(id)?.(told)
      this.#waiting.delete(id)
    })
    untilEnd(this)
  }

  tell(order: Order): Promise<Told> {
    const id = this.#next++
    const { promise, resolve } = Promise.withResolvers<Told>()
    this.#waiting.set(id, resolve)
    this.#child.stdin.write(`${JSON.stringify({ id, order })}\n`)
    return promise
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await end(this.#child)
  }
}
