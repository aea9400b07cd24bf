import { openSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { loadLibnftables, type Nft } from './libnftables.ts'
import { OWN_NETNS } from './namespaces.ts'
import { HANDLERS, type JobKind, type Jobs, type Place, type Workshop } from './netns-jobs.ts'
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
export type JobAnswer = { readonly gives: unknown } | { readonly error: unknown }

const port = parentPort
if (port === null) throw new Error('netns-thread is the entry of a worker')
const data = workerData as ThreadData
const { nft, hello } = load(data.libnftables)
const shop: Workshop = { home: openSync(OWN_NETNS, 'r'), means: { nft, place: data.place } }
port.on('message', (message: JobMessage) => port.postMessage(answer(message)))
port.postMessage(hello)

function answer<K extends JobKind>({ kind, place, input }: JobMessage<K>): JobAnswer {
  try {
    return { gives: HANDLERS[kind](input, place, shop) }
  } catch (error) {
    return { error }
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
