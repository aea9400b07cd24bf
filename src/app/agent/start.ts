import type { AddressInfo } from 'node:net'
import type { Surroundings } from '../../core/intent/enrolment.ts'
import { sentence } from '../../core/vocabulary/reasons.ts'
import type { Logger } from '../../edge/telemetry/logger.ts'
import { descriptorLimit } from '../../edge/host/descriptors.ts'
import { metricsPage } from '../../edge/telemetry/metrics.ts'
import { pageServer, type PageServer } from '../../edge/telemetry/page-server.ts'
import { ambientLeftovers } from './ambient/leftovers.ts'
import { type NodeAmbient, nodeAmbient } from './ambient/node-ambient.ts'
import { PluginSocket } from './cni/plugin-socket.ts'
import { PodQueue } from './cni/pod-queue.ts'
import { SandboxNamespaces } from './cni/sandbox-netns.ts'
import { Sandboxes } from './cni/sandboxes.ts'
import { CniServer } from './cni/server.ts'
import { descriptorAlarms } from './descriptors.ts'
import { healthServer } from './health.ts'
import { uninstalling } from './installer/create-installer.ts'
import type { Loop } from './loop.ts'
import { type NodeParts, openNode } from './node-parts.ts'
import type { AgentOptions, AmbientOptions } from './options.ts'
import { alarmsLoop, journalLoop, selfTestLoop, stopProcess } from './own-loops.ts'
import { readiness } from './readiness.ts'
import { recordRequest, setGauges } from './record.ts'
import type { Redirector } from './redirector.ts'
import { proving, type Proving } from './verify/proving.ts'

/** An agent that works. */
export interface Agent {
  readonly healthAddress: AddressInfo
  readonly metricsAddress: AddressInfo
  /** Stops: not ready first, then what is in flight is finished; rules, plugin and its entry stay. Safe to call twice. */
  readonly close: () => Promise<void>
}

/** More pods than a node has wait, and those that wait for nothing but the watch do not hold up the others. */
const REQUESTS = { running: 64, waiting: 1024 }

/** What changes while an agent runs. */
interface State {
  stopping: boolean
  /** undefined: the agent does not listen yet */
  pluginSocket: PluginSocket | undefined
}

/**
 * Starts an agent and resolves when it listens. Throws where an address is taken or the thread for namespaces cannot be made;
 * then nothing is left running. A node that can do nothing is no failure: the agent runs, is not ready, and says why.
 */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  await using starting = new AsyncDisposableStack()
  const parts = await openNode(options, starting)
  const { log, metrics, journal, pods } = parts
  const { ipv6 } = await parts.redirector.tryNode()
  logBackend(parts.redirector, log)
  const proofs = provingOf(parts, options)
  const families = ipv6 ? ([4, 6] as const) : ([4] as const)
  const ambient =
    options.ambient === null ? null : starting.use(ambientOf(parts, proofs, options, options.ambient, families))
  const state: State = { stopping: false, pluginSocket: undefined }
  const loops = loopsOf({ parts, proofs, ambient, state, options })
  const queue = new PodQueue(REQUESTS)
  const health = healthServer(loops, () => readiness(parts, { ...state, socketPath: options.paths.pluginSocket }))
  starting.defer(async () => await health.close())
  const metricsApp = metricsServer(() => {
    setGauges(metrics, { ...parts, loops, queue })
    proofs.setGauges()
    ambient?.setGauges()
  }, parts)
  starting.defer(async () => await metricsApp.close())
  const healthAddress = await health.listen(options.health)
  const metricsAddress = await metricsApp.listen(options.metrics)
  const cni = await CniServer.listen({
    socket: options.paths.pluginSocket,
    sandboxes: sandboxesOf({ parts, proofs, ambient, options }),
    queue,
    record: recordRequest(log, metrics),
    report: (err) => log.error({ err }, 'a request of the plugin failed'),
  })
  starting.defer(async () => await cni.close())
  state.pluginSocket = new PluginSocket({ server: cni, path: options.paths.pluginSocket, metrics, log })
  loops.push(state.pluginSocket.loop)

  const stop = new AbortController()
  const running = Promise.all([pods, ...loops].map(async (part) => await part.run(stop.signal)))
  const open = starting.move()
  open.defer(async () => {
    stop.abort()
    await running
    journal.write()
  })
  log.info({ healthAddress, metricsAddress, node: options.nodeName }, 'working')
  return {
    healthAddress,
    metricsAddress,
    close: async () => {
      if (!state.stopping) log.info('stopping: not ready any more; rules stay')
      state.stopping = true
      await open.disposeAsync()
    },
  }
}

/** What an agent consists of, once all of it is made. */
interface Made {
  readonly parts: NodeParts
  readonly proofs: Proving
  /** null: this agent does no ambient */
  readonly ambient: NodeAmbient | null
  readonly options: AgentOptions
}

function provingOf(parts: NodeParts, options: AgentOptions): Proving {
  return proving({
    ...parts,
    // while the node is taken off, ambient pods leave on purpose: nothing is judged then
    around: ({ namespace }) => (uninstalling(parts.installer) === null ? around(namespace, parts, options) : undefined),
    ambientDns: parts.ambientNode.dnsCapture,
    outside: parts.host,
    proc: options.paths.proc,
    everyMs: options.sweepMs,
  })
}

/** What the node knows of a pod's namespace; undefined where the watch has not shown it yet. */
function around(namespace: string, { pods }: NodeParts, options: AgentOptions): Surroundings | undefined {
  const { excludedNamespaces, ambient } = options
  const namespaceLabels = pods.namespaceLabels(namespace)
  if (namespaceLabels === undefined) return undefined
  const enablement = ambient === null ? {} : { enablement: ambient.enablement }
  return { namespace, namespaceLabels, excludedNamespaces, ambient: ambient !== null, ...enablement }
}

function ambientOf(
  parts: NodeParts,
  { proofs }: Proving,
  { self, paths, excludedNamespaces }: AgentOptions,
  { enablement, branchEni }: AmbientOptions,
  families: readonly (4 | 6)[],
): NodeAmbient {
  const { installer, log, ambientNode } = parts
  return nodeAmbient({
    ...parts,
    ...{ proofs, self, branchEni, proc: paths.proc, ztunnelSocket: paths.ztunnelSocket },
    node: { ...ambientNode, families },
    retired: () => uninstalling(installer),
    onLost: (reason) => {
      log.fatal({ reason: reason.code }, `${sentence(reason)}: stopping, to be started anew`)
      stopProcess()
    },
    rules: { enablement, excludedNamespaces },
  })
}

function loopsOf({ parts, proofs, ambient, state, options }: Made & { readonly state: State }): Loop[] {
  const { proc, ztunnelSocket } = options.paths
  const node = { ...parts.ambientNode, families: [4, 6] as const }
  const limit = descriptorLimit()
  const leftovers = ambient === null ? ambientLeftovers({ ...parts, node, proc, ztunnelSocket }) : null
  return [
    alarmsLoop(parts, () => [
      ...proofs.alarms(),
      ...((ambient ?? leftovers)?.alarms() ?? []),
      ...(state.pluginSocket?.alarms() ?? []),
      ...descriptorAlarms({ limit, pods: parts.pods.all().length, ambient: ambient !== null }),
    ]),
    journalLoop(parts),
    selfTestLoop(parts),
    ...proofs.loops,
    ...(ambient?.loops ?? []),
    ...(leftovers === null ? [] : [leftovers.loop]),
    parts.installer,
  ]
}

function sandboxesOf({ parts, proofs, ambient, options }: Made): Sandboxes {
  return new Sandboxes({
    ...parts,
    excludedNamespaces: options.excludedNamespaces,
    namespaces: new SandboxNamespaces(options.paths),
    ambient: ambient?.enrolment ?? null,
    ...(options.ambient !== null && { enablement: options.ambient.enablement }),
    onRedirected: (uid) => proofs.redirected(uid),
    measure: (phase, seconds) => parts.metrics.observe('sluice_cni_duration_seconds', { phase }, seconds),
  })
}

/** Serves `/metrics`; `refresh` sets the gauges before each answer. */
function metricsServer(refresh: () => void, { metrics }: NodeParts): PageServer {
  return pageServer({
    '/metrics': async () => {
      refresh()
      return await metricsPage(metrics)
    },
  })
}

function logBackend({ picked }: Redirector, log: Logger): void {
  if (picked.is === 'picked') log.info({ backend: picked.backend, because: picked.because }, 'backend for rules')
  else log.error({ reason: picked.reason.code }, sentence(picked.reason))
}
