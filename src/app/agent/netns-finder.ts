import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { podOfCgroup } from '../../core/cgroup/pod-of-cgroup.ts'
import { type Address, parseAddress } from '../../core/intent/address.ts'
import type { Reason } from '../../core/vocabulary/reasons.ts'
import { type NamespaceId, type NetnsHandle, openNetns } from '../../edge/host/namespaces.ts'
import type { NetnsWorker } from '../../edge/host/netns-worker.ts'
import { addressesOfProcess, netnsOf, type NetnsProcess } from '../../edge/host/processes.ts'
import type { Journal } from './journal.ts'

/** A pod whose namespace is looked for. */
export interface SoughtPod {
  readonly uid: string
  /** what the API server, or the runtime, says that it has */
  readonly addresses: readonly Address[]
}

export type Found =
  /** `netns` is open, and belongs to whoever asked; `path` leads to it at this moment */
  | { readonly is: 'found'; readonly netns: NetnsHandle; readonly path: string }
  | { readonly is: 'lost'; readonly reason: Reason }

export interface NetnsFinderOptions {
  readonly worker: NetnsWorker
  /** the namespace of the node, which is never a pod's */
  readonly host: NetnsHandle
  readonly proc: string
  /** where the runtime keeps namespaces open */
  readonly netnsDir: string
  readonly journal: Pick<Journal, 'get'>
}

/**
 * Finds the network namespace of a pod that runs. Two things must agree: the uid, by the journal of what the runtime itself said or
 * by the cgroup of a process inside, and an address of the pod inside (users.md 12a). A process of somebody who only sits in it
 * names another uid, a namespace that somebody of the pod only visits has other addresses. Not found is not "not there yet":
 * whoever asks for a pod that runs must ask again, and tell.
 */
export class NetnsFinder {
  readonly #options: NetnsFinderOptions
  #looking: Promise<readonly NetnsProcess[]> | undefined
  #next: Promise<readonly NetnsProcess[]> | undefined
  /** what was seen in the namespaces that the runtime keeps */
  readonly #addresses = new Map<NamespaceId, readonly string[]>()

  constructor(options: NetnsFinderOptions) {
    this.#options = options
  }

  async find(pod: SoughtPod): Promise<Found> {
    const found = await this.#byAddressesOf(pod)
    const known = this.#options.journal.get(pod.uid)
    if (found.is === 'found' || known === undefined) return found
    // the API server does not say yet, or while it is away says what the sandbox before had: then the runtime's word counts
    const addresses = known.addresses.flatMap((text) => parseAddress(text) ?? [])
    const netns = await this.#claim(known.netnsPath, known.netnsId, { uid: pod.uid, addresses })
    return netns === null ? found : { is: 'found', netns, path: known.netnsPath }
  }

  async #byAddressesOf(pod: SoughtPod): Promise<Found> {
    if (pod.addresses.length === 0) return lost('the API server does not say yet which addresses it has')
    const known = this.#options.journal.get(pod.uid)
    if (known !== undefined) {
      const netns = await this.#claim(known.netnsPath, known.netnsId, pod)
      if (netns !== null) return { is: 'found', netns, path: known.netnsPath }
    }
    const inside = (await this.#processes()).filter(({ cgroup }) => isOf(pod.uid, cgroup))
    const candidates = new Map(
      inside.toReversed().flatMap(({ netns, pid }): [NamespaceId, number][] => (netns === null ? [] : [[netns, pid]])),
    )
    for (const [id, pid] of [...candidates].toReversed()) {
      const path = this.#mountOf(id) ?? netnsOf(this.#options.proc, pid)
      const netns = await this.#claim(path, id, pod)
      if (netns !== null) return { is: 'found', netns, path }
    }
    if (inside.some(({ netns, pid }) => netns === null && this.#hasAddress(pid, pod))) return await this.#byMount(pod)
    if (candidates.size === 0) return lost('no process of the pod is in a network namespace of its own')
    return lost(`its processes are in ${candidates.size} network namespaces, and none has an address of the pod`)
  }

  #hasAddress(pid: number, { addresses }: SoughtPod): boolean {
    return addressesOfProcess(this.#options.proc, pid).some((address) => isAmong(address, addresses))
  }

  /**
   * A process of the pod has an address of the pod, yet who has no SYS_PTRACE may not see where it is: the namespace is the one
   * among those that the runtime keeps which has that address. Where two have it, neither is taken.
   */
  async #byMount(pod: SoughtPod): Promise<Found> {
    using stack = new DisposableStack()
    const found: { readonly netns: NetnsHandle; readonly path: string }[] = []
    const mounts = this.#mounts()
    const there = new Set(mounts.map(({ id }) => id))
    for (const id of [...this.#addresses.keys()]) if (!there.has(id)) this.#addresses.delete(id)
    for (const { path, id } of mounts) {
      // a namespace that is known to have other addresses need not be entered again: those of a pod do not change
      const known = this.#addresses.get(id)
      if (known !== undefined && known.length > 0 && !known.some((address) => isAmong(address, pod.addresses))) continue
      const netns = opened(path)
      if (netns === null) continue
      stack.use(netns)
      if (netns.id !== id || netns.id === this.#options.host.id) continue
      const addresses = await this.#options.worker.run('addresses', netns, {})
      const own = addresses.filter(({ internal }) => !internal).map(({ address }) => address)
      this.#addresses.set(id, own)
      if (own.some((address) => isAmong(address, pod.addresses))) found.push({ netns, path })
    }
    const [one, another] = found
    if (one === undefined) return lost('the runtime keeps no network namespace that has an address of the pod')
    if (another !== undefined) return lost(`both ${one.path} and ${another.path} have an address of the pod`)
    const { netns, path } = one
    // the handle outlives this search, all others end with it
    return { is: 'found', netns: openNetns(netnsPathOf(netns)), path }
  }

  #mounts(): readonly { readonly path: string; readonly id: NamespaceId }[] {
    return this.#mountPaths().flatMap((path) => {
      const id = idOf(path)
      return id === undefined ? [] : [{ path, id }]
    })
  }

  /** Opens `path` if it leads to the namespace `id` and an address of `pod` is in there; else closes it again. */
  async #claim(path: string, id: NamespaceId, { addresses }: SoughtPod): Promise<NetnsHandle | null> {
    using stack = new DisposableStack()
    const netns = stack.adopt(opened(path), (handle) => handle?.[Symbol.dispose]())
    if (netns === null || netns.id !== id || netns.id === this.#options.host.id) return null
    const inside = await this.#options.worker.run('addresses', netns, {})
    if (!inside.some(({ address }) => isAmong(address, addresses))) return null
    stack.move()
    return netns
  }

  /** A look that began before one asked may have missed what one asks for: all who ask meanwhile share the next. */
  async #processes(): Promise<readonly NetnsProcess[]> {
    if (this.#looking === undefined) return await this.#look()
    this.#next ??= this.#looking.then(
      async () => await this.#look(),
      async () => await this.#look(),
    )
    return await this.#next
  }

  async #look(): Promise<readonly NetnsProcess[]> {
    const { worker, host, proc } = this.#options
    this.#next = undefined
    const looking = worker.run('processes', host, { proc, except: [host.id] })
    this.#looking = looking
    try {
      return await looking
    } finally {
      if (this.#looking === looking) this.#looking = undefined
    }
  }

  /** The runtime's own file outlives the process that showed the way. */
  #mountOf(id: NamespaceId): string | undefined {
    return this.#mountPaths().find((path) => idOf(path) === id)
  }

  #mountPaths(): readonly string[] {
    const { netnsDir } = this.#options
    try {
      return readdirSync(netnsDir).map((name) => join(netnsDir, name))
    } catch {
      // a runtime that keeps none: the process's own file leads there as well
      return []
    }
  }
}

/** The open namespace by its descriptor: no path can have been changed under it. */
function netnsPathOf({ fd }: NetnsHandle): string {
  return `/proc/self/fd/${fd}`
}

function opened(path: string): NetnsHandle | null {
  try {
    return openNetns(path)
  } catch {
    // gone since, or what a runtime left after its sandbox: as good as not there
    return null
  }
}

function idOf(path: string): NamespaceId | undefined {
  const there = statSync(path, { bigint: true, throwIfNoEntry: false })
  return there === undefined ? undefined : `${there.dev}:${there.ino}`
}

function isOf(uid: string, cgroup: string): boolean {
  const owner = podOfCgroup(cgroup)
  return owner.is === 'container' && owner.podUid?.toLowerCase() === uid.toLowerCase()
}

function isAmong(address: string, addresses: readonly Address[]): boolean {
  const parsed = parseAddress(address)
  return parsed !== null && addresses.includes(parsed)
}

function lost(why: string): Found {
  return { is: 'lost', reason: { code: 'netns_not_found', args: { why } } }
}
