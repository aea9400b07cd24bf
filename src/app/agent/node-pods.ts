import { labelsOf } from '../../core/json/pod.ts'
import { type JsonObject, objectOr, objectsOf, stringOr } from '../../core/json/value.ts'
import { CONTAINERS } from '../../core/vocabulary/names.ts'
import { ListWatch } from '../../edge/cluster/list-watch.ts'
import type { ListWatchProblem, Sink } from '../../edge/cluster/list-watch-options.ts'
import type { PodsFrom } from './options.ts'

/** A pod of this node, cut down to what redirection rests on. */
export interface NodePod {
  readonly uid: string
  readonly namespace: string
  readonly name: string
  /** metadata, what the containers of the mesh say, and the status: raw, as the API server has it */
  readonly object: JsonObject
}

type Kind = 'Pod' | 'Namespace'

export interface NodePodsOptions {
  readonly nodeName: string
  readonly pods: PodsFrom
  readonly report: (kind: Kind, problem: ListWatchProblem) => void
}

interface Waiter {
  readonly uid: string
  readonly wake: () => void
}

/**
 * The pods of this node and the labels of all namespaces, as a watch keeps them: memory grows with the pods of the node, and
 * nothing is ever asked for while a pod waits.
 */
export class NodePods {
  readonly #pods = new Map<string, NodePod>()
  readonly #keys = new Map<string, string>()
  readonly #namespaces = new Map<string, Readonly<Record<string, string>>>()
  readonly #listeners = new Set<(pod: NodePod, change: 'put' | 'removed') => void>()
  readonly #waiters = new Set<Waiter>()
  readonly #watches: readonly Pick<ListWatch<never>, 'synced' | 'ageMs' | 'run'>[]

  constructor({ nodeName, pods, report }: NodePodsOptions) {
    if (pods.from === 'objects') {
      this.#watches = []
      for (const object of pods.objects) this.#take(object, nodeName)
      return
    }
    const { connection, watch: limits } = pods
    const watch = <T>(kind: Kind, plural: string, project: (object: JsonObject) => T, sink: Sink<T>): ListWatch<T> =>
      new ListWatch({
        connection,
        target: { resource: { group: '', version: 'v1', plural } },
        ...(kind === 'Pod' && { selection: { fieldSelector: `spec.nodeName=${nodeName}` } }),
        project,
        sink,
        report: (problem) => report(kind, problem),
        ...(limits !== undefined && { limits }),
      })
    this.#watches = [
      watch('Pod', 'pods', projectPod, this.#podSink()),
      watch('Namespace', 'namespaces', labelsOf, this.#namespaceSink()),
    ]
  }

  /** Has everything been read once? */
  get synced(): boolean {
    return this.#watches.every(({ synced }) => synced)
  }

  /** How long ago the API server last proved that this is current; infinite before the first time. */
  get ageMs(): number {
    return Math.max(0, ...this.#watches.map(({ ageMs }) => ageMs))
  }

  get(uid: string): NodePod | undefined {
    return this.#pods.get(uid)
  }

  all(): readonly NodePod[] {
    return [...this.#pods.values()]
  }

  /** The labels of a namespace; undefined where it is not known. */
  namespaceLabels(name: string): Readonly<Record<string, string>> | undefined {
    return this.#namespaces.get(name)
  }

  /** Calls `listener` for every pod that comes, changes or goes, until the returned function is called. */
  onChange(listener: (pod: NodePod, change: 'put' | 'removed') => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The pod `uid` as soon as it is known; undefined where `signal` aborts first. */
  async waitFor(uid: string, signal: AbortSignal): Promise<NodePod | undefined> {
    if (this.#pods.has(uid) || signal.aborted) return this.#pods.get(uid)
    const { promise, resolve } = Promise.withResolvers<undefined>()
    const waiter: Waiter = { uid, wake: () => resolve(undefined) }
    this.#waiters.add(waiter)
    signal.addEventListener('abort', waiter.wake, { once: true })
    await promise
    signal.removeEventListener('abort', waiter.wake)
    this.#waiters.delete(waiter)
    return this.#pods.get(uid)
  }

  /** Follows the cluster until `signal` aborts; never throws. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#watches.map(async (watch) => await watch.run(signal)))
  }

  #take(object: JsonObject, nodeName: string): void {
    const metadata = objectOr(object['metadata'])
    const name = stringOr(metadata['name']) ?? ''
    if (object['kind'] === 'Namespace') this.#namespaces.set(name, labelsOf(object))
    if (object['kind'] !== 'Pod' || objectOr(object['spec'])['nodeName'] !== nodeName) return
    this.#put(`${stringOr(metadata['namespace']) ?? ''}/${name}`, projectPod(object))
  }

  #podSink(): Sink<NodePod> {
    return {
      replace: (entries) => {
        for (const key of [...this.#keys.keys()]) if (!entries.has(key)) this.#remove(key)
        for (const [key, pod] of entries) this.#put(key, pod)
      },
      put: (key, pod) => this.#put(key, pod),
      remove: (key) => this.#remove(key),
    }
  }

  #namespaceSink(): Sink<Readonly<Record<string, string>>> {
    return {
      replace: (entries) => {
        this.#namespaces.clear()
        for (const [name, labels] of entries) this.#namespaces.set(name, labels)
      },
      put: (name, labels) => void this.#namespaces.set(name, labels),
      remove: (name) => void this.#namespaces.delete(name),
    }
  }

  /** A name that comes again with another uid is another pod: the one before is gone. */
  #put(key: string, pod: NodePod): void {
    if (this.#keys.get(key) !== pod.uid) this.#remove(key)
    this.#keys.set(key, pod.uid)
    this.#pods.set(pod.uid, pod)
    this.#tell(pod, 'put')
    for (const waiter of this.#waiters) if (waiter.uid === pod.uid) waiter.wake()
  }

  #remove(key: string): void {
    const uid = this.#keys.get(key)
    const pod = uid === undefined ? undefined : this.#pods.get(uid)
    this.#keys.delete(key)
    if (pod === undefined) return
    this.#pods.delete(pod.uid)
    this.#tell(pod, 'removed')
  }

  #tell(pod: NodePod, change: 'put' | 'removed'): void {
    for (const listener of this.#listeners) listener(pod, change)
  }
}

const MESH_CONTAINERS: readonly string[] = [CONTAINERS.proxy, CONTAINERS.init, CONTAINERS.validation]

/** Throws where the object has no uid: then it is no stored pod. */
function projectPod(object: JsonObject): NodePod {
  const { uid, namespace, name, labels, annotations, deletionTimestamp, ownerReferences } = objectOr(object['metadata'])
  const spec = objectOr(object['spec'])
  const { nodeName, hostNetwork, serviceAccountName, restartPolicy, dnsPolicy, dnsConfig, os } = spec
  if (typeof uid !== 'string' || uid === '') throw new TypeError('a pod without a uid')
  const kept: JsonObject = {
    metadata: { uid, namespace, name, labels, annotations, deletionTimestamp, ownerReferences },
    spec: {
      ...{ nodeName, hostNetwork, serviceAccountName, restartPolicy, dnsPolicy, dnsConfig, os },
      initContainers: objectsOf(spec['initContainers']).map(projectContainer),
      containers: objectsOf(spec['containers']).map(projectContainer),
    },
    status: statusOf(object),
  }
  return { uid, namespace: stringOr(namespace) ?? '', name: stringOr(name) ?? '', object: kept }
}

function projectContainer(container: JsonObject): JsonObject {
  const { name, args, env, securityContext, restartPolicy } = container
  return MESH_CONTAINERS.includes(stringOr(name) ?? '')
    ? { name, args, env, securityContext, restartPolicy }
    : { name, restartPolicy }
}

function statusOf(object: JsonObject): JsonObject {
  const { phase, podIP, podIPs, conditions, initContainerStatuses, containerStatuses } = objectOr(object['status'])
  return { phase, podIP, podIPs, conditions, initContainerStatuses, containerStatuses }
}
