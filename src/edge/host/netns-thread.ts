import { openSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { loadLibnftables, type Nft } from './libnftables.ts'
import { OWN_NETNS } from './namespaces.ts'
import { HANDLERS, type JobKind, type Jobs, type Place, type Workshop } from './netns-jobs.ts'
import { isSteps, walk } from './steps.ts'
import type { ProgramPlace } from './xtables.ts'

/** The worker's side of netns-worker.ts. Started from the main thread only: a thread inherits its maker's namespace. */
export interface ThreadData {
  /** null: never load it */
  readonly libnftables: string | null
  readonly place: ProgramPlace
}

/** The first message: whether the library is there, or what the dynamic linker said. */
export interface Hello {
  readonly libnftables: 'loaded' | 'not wanted' | { readonly error: string }
}
export interface JobMessage<K extends JobKind = JobKind> {
  readonly kind: K
  readonly place: Place
  readonly input: Jobs[K]['takes']
}
export type Answer = { readonly gives: unknown } | { readonly error: unknown }
/** What the thread tells of the job of this kind: its end, or that it waits for at most so long and keeps nobody from the thread. */
export type JobNews = { readonly kind: JobKind } & (Answer | { readonly waitsMs: number })
/** What the thread is told; at the `end` it closes what is open. */
export type Order = JobMessage | 'end'

const port = parentPort
if (port === null) throw new Error('netns-thread is the entry of a worker')
const data = workerData as ThreadData
const { nft, hello } = load(data.libnftables)
const shop: Workshop = { home: openSync(OWN_NETNS, 'r'), means: { nft, place: data.place } }
const ending = new AbortController()
port.on('message', (order: Order) => {
  if (order !== 'end') return void work(order)
  ending.abort()
  port.close()
})
port.postMessage(hello)

async function work<K extends JobKind>({ kind, place, input }: JobMessage<K>): Promise<void> {
  const tell = (news: Answer | { readonly waitsMs: number }): void => port?.postMessage({ kind, ...news })
  try {
    const gives = HANDLERS[kind](input, place, shop)
    if (isSteps(gives)) tell({ gives: await walk(gives, (waitsMs) => tell({ waitsMs }), ending.signal) })
    else tell({ gives })
  } catch (error) {
    tell({ error })
  }
}

function load(path: string | null): { readonly nft: Nft | null; readonly hello: Hello } {
  if (path === null) return { nft: null, hello: { libnftables: 'not wanted' } }
  try {
    return { nft: loadLibnftables(path), hello: { libnftables: 'loaded' } }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return { nft: null, hello: { libnftables: { error: `${path}: ${why}` } } }
  }
}
