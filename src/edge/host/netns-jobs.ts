import { networkInterfaces } from 'node:os'
import { apply, type Applied, type Backend, type Change, dump, type Dump, type Means, remove } from './apply.ts'
import { insideNetns } from './namespaces.ts'

/** An address that an interface of the namespace has; interfaces that are down are not listed. */
export interface InterfaceAddress {
  readonly device: string
  readonly address: string
  readonly internal: boolean
}

/** What can be asked of the worker: each kind with what it takes and gives. */
export interface Jobs {
  readonly apply: { readonly takes: Change; readonly gives: Applied }
  readonly remove: { readonly takes: Change; readonly gives: Applied }
  readonly dump: { readonly takes: { readonly backend: Backend }; readonly gives: Dump }
  readonly addresses: { readonly takes: Readonly<Record<string, never>>; readonly gives: readonly InterfaceAddress[] }
}
export type JobKind = keyof Jobs

/** The namespace that a job works in. */
export interface Place {
  readonly fd: number
  readonly foreignUsers: boolean
}

/** What a job may use: the way home and the means to change rules. */
export interface Workshop {
  readonly home: number
  readonly means: Means
}

type Handlers = { readonly [K in JobKind]: (input: Jobs[K]['takes'], place: Place, shop: Workshop) => Jobs[K]['gives'] }

/** Every handler is synchronous: one job at a time has the thread, its namespace and libnftables to itself. */
export const HANDLERS: Handlers = {
  apply: (change, { fd, foreignUsers }, { home, means }) =>
    insideNetns(fd, home, () => apply(change, fd, foreignUsers, means)),
  remove: (change, { fd, foreignUsers }, { home, means }) =>
    insideNetns(fd, home, () => remove(change, fd, foreignUsers, means)),
  dump: ({ backend }, { fd }, { home, means }) => insideNetns(fd, home, () => dump(backend, fd, means)),
  addresses: (_, { fd }, { home }) => insideNetns(fd, home, addresses),
}

function addresses(): readonly InterfaceAddress[] {
  return Object.entries(networkInterfaces()).flatMap(([device, found]) =>
    (found ?? []).map(({ address, internal }) => ({ device, address, internal })),
  )
}
