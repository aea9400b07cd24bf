import assert from 'node:assert/strict'
import { mkdtempSync, openSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import type { Reason } from '../../src/core/vocabulary/reasons.ts'
import type { Workload } from '../../src/app/agent/ambient/ztunnel-hub.ts'
import { type ZtunnelEvent, Ztunnels } from '../../src/app/agent/ambient/ztunnels.ts'
import { type TestNetns, untilEnd } from './world.ts'
import { Ztunnel, type ZtunnelSaw } from './ztunnel.ts'

export interface Place {
  readonly ztunnels: Ztunnels
  /** that carries it all out */
  readonly thread: Promise<Worker>
  readonly socket: string
  /** the first event of that kind, once it has come */
  readonly event: <K extends ZtunnelEvent['is']>(is: K) => Promise<ZtunnelEvent & { readonly is: K }>
}

/** Listens in a folder of its own until the test file ends. */
export function listen(): Place {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-zds-'))
  untilEnd({ [Symbol.dispose]: () => rmSync(folder, { recursive: true }) })
  const socket = join(folder, 'ztunnel.sock')
  const first = new Map<ZtunnelEvent['is'], PromiseWithResolvers<ZtunnelEvent>>()
  const waiting = (is: ZtunnelEvent['is']): PromiseWithResolvers<ZtunnelEvent> => {
    const known = first.get(is) ?? Promise.withResolvers<ZtunnelEvent>()
    first.set(is, known)
    return known
  }
  const { promise: thread, resolve } = Promise.withResolvers<Worker>()
  process.once('worker', resolve)
  const ztunnels = untilEnd(Ztunnels.start({ socket, onEvent: (event) => waiting(event.is).resolve(event) }))
  return {
    ztunnels,
    thread,
    socket,
    event: async (is) => (await waiting(is).promise) as ZtunnelEvent & { is: typeof is },
  }
}

/** A ztunnel that has connected and not said hello. */
export async function begin(): Promise<Place & { readonly ztunnel: Ztunnel }> {
  const place = listen()
  const ztunnel = new Ztunnel(place.socket)
  assert.deepEqual(await ztunnel.next(), { saw: 'connected' })
  return { ...place, ztunnel }
}

export async function greet(socket: string): Promise<Ztunnel> {
  const ztunnel = new Ztunnel(socket)
  assert.deepEqual(await ztunnel.next(), { saw: 'connected' })
  ztunnel.tell({ do: 'hello' })
  return ztunnel
}

/** A ztunnel that has been told that nothing is known. */
export async function serving(): ReturnType<typeof begin> {
  const place = await begin()
  place.ztunnel.tell({ do: 'hello' })
  assert.deepEqual(await place.ztunnel.next(), { saw: 'snapshot' })
  return place
}

export function workload(uid: string, netns: TestNetns): Workload {
  return {
    uid,
    info: { name: `pod-of-${uid}`, namespace: 'shop', serviceAccount: 'web' },
    netns: openSync(netns.path, 'r'),
  }
}

export function added(uid: string, netns: TestNetns): ZtunnelSaw {
  return { saw: 'add', uid, pod: [`pod-of-${uid}`, 'shop', 'web'], netns: netns.handle.id }
}

export function del(uid: string): ZtunnelSaw {
  return { saw: 'del', uid }
}

export function byUid(seen: readonly ZtunnelSaw[]): readonly ZtunnelSaw[] {
  return seen.toSorted((one, other) => JSON.stringify(one).localeCompare(JSON.stringify(other)))
}

export function code(reason: Reason | null): string | undefined {
  return reason?.code
}

export function descriptors(): number {
  return readdirSync('/proc/self/fd').length
}

/** Threads and children close what is theirs in their own time, also what tests before this one left open when they ended. */
export async function untilNoMoreThan(before: number): Promise<void> {
  for (let tries = 0; descriptors() > before && tries < 1000; tries++) await sleep(10)
  assert.ok(descriptors() <= before, `${descriptors()} descriptors, ${before} before`)
}
