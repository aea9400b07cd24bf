import { readFileSync, statSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Surroundings } from '../../core/intent/enrolment.ts'
import { address } from '../../core/intent/grammar.ts'
import type { NodeFacts } from '../../core/redirection/rules-of.ts'
import { PROBE_SOURCE } from '../../core/vocabulary/ports.ts'
import { type Reason, sentence } from '../../core/vocabulary/reasons.ts'
import { createClient } from '../../edge/cluster/client.ts'
import { type NetnsHandle, openNetns, OWN_NETNS } from '../../edge/host/namespaces.ts'
import { NetnsWorker } from '../../edge/host/netns-worker.ts'
import type { Check } from '../../edge/telemetry/health.ts'
import { createLogger, type Logger } from '../../edge/telemetry/logger.ts'
import { metricsPage } from '../../edge/telemetry/metrics.ts'
import { pageServer } from '../../edge/telemetry/page-server.ts'
import { Alarms } from '../alarms.ts'
import { ambientLeftovers } from './ambient/leftovers.ts'
import { nodeAmbient } from './ambient/node-ambient.ts'
import { PodQueue } from './cni/pod-queue.ts'
import { PluginSocket } from './cni/plugin-socket.ts'
import { SandboxNamespaces } from './cni/sandbox-netns.ts'
import { Sandboxes } from './cni/sandboxes.ts'
import { CniServer } from './cni/server.ts'
import { healthServer } from './health.ts'
import { createInstaller, installedCheck, uninstalling } from './installer/create-installer.ts'
import type { Installer } from './installer/installer.ts'
import { Journal } from './journal.ts'
import { type Loop, periodic } from './loop.ts'
import { NetnsFinder } from './netns-finder.ts'
import { NodePods } from './node-pods.ts'
import type { AgentOptions } from './options.ts'
import { agentMetrics, type AgentMetrics, recordRequest, setGauges } from './record.ts'
import { Redirector } from './redirector.ts'
import { proving } from './verify/proving.ts'

/** An agent that works. */
export interface Agent {
  readonly healthAddress: AddressInfo
  readonly metricsAddress: AddressInfo
  /** Stops: not ready first, then what is in flight is finished; rules, plugin and its entry stay. Safe to call twice. */
  readonly close: () => Promise<void>
}

const ALARMS_MS = 5_000
const JOURNAL_MS = 30_000
/** Kernel modules come and go: what the node can do is tried again with real rules in namespaces made for it. */
const SELF_TEST_MS = 300_000
/** A node that found no way is refused every promised pod meanwhile: it may have been only busy, so it tries again soon. */
const SELF_TEST_AGAIN_MS = 10_000
/** More pods than a node has wait, and those that wait for nothing but the watch do not hold up the others. */
const REQUESTS = { running: 64, waiting: 1024 }
/** Knowledge of pods that is older is an alarm: bookmarks come once a minute. */
const PODS_STALE_MS = 120_000

/**
 * Starts an agent and resolves when it listens. Throws where an address is taken or the thread for namespaces cannot be made;
 * then nothing is left running. A node that can do nothing is no failure: the agent runs, is not ready, and says why.
 */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const { paths, tools } = options
  const log = createLogger({ level: 'info', ...options.log })
  const metrics = agentMetrics()
  await using starting = new AsyncDisposableStack()
  const worker = starting.use(await NetnsWorker.start({ libnftables: tools.libnftables, programs: tools.programs }))
  const ambientNode = { ...PLAIN_AMBIENT_NODE, dnsCapture: options.ambient?.dnsCapture ?? true }
  const probes = starting.use(await NetnsWorker.start({ libnftables: null, programs: tools.programs }))
  const redirector = new Redirector({ worker, prober: probes, backend: tools.backend, ambient: ambientNode })
  const abilities = await redirector.tryNode()
  let triedAt = performance.now()
  logBackend(redirector, log)
  const journal = new Journal(join(paths.runDir, 'journal.json'), bootId(paths.proc))
  const pods = new NodePods({ nodeName: options.nodeName, pods: options.pods, report: reportWatch(log, metrics) })
  const installer = createInstaller(options, log, metrics)
  const alarms = new Alarms(log, (reason, count) => metrics.set('sluice_alarms', { reason }, count))
  const startedAt = performance.now()
  const host = starting.use(openHost(paths.proc))
  const client = options.pods.from === 'cluster' ? createClient(options.pods.connection) : null
  const finder = new NetnsFinder({ worker: probes, host, proc: paths.proc, netnsDir: paths.netnsDir, journal })
  const proofs = proving({
    ...{ pods, journal, finder, redirector, probes, metrics, log },
    // while the node is taken off, ambient pods leave on purpose: nothing is judged then
    around: ({ namespace }) => (uninstalling(installer) === null ? around(namespace, pods, options) : undefined),
    ambientDns: ambientNode.dnsCapture,
    outside: host,
    proc: paths.proc,
    everyMs: options.sweepMs,
    client,
  })
  const ambient =
    options.ambient === null
      ? null
      : starting.use(
          nodeAmbient({
            ...{ pods, journal, finder, redirector, worker, host, client, metrics, log },
            ...{ proofs: proofs.proofs, prober: probes, proc: paths.proc, ztunnelSocket: paths.ztunnelSocket },
            self: options.self,
            node: { ...ambientNode, families: abilities.ipv6 ? [4, 6] : [4] },
            retired: () => uninstalling(installer),
            onLost: (reason) => {
              log.fatal({ reason: reason.code }, `${sentence(reason)}: stopping, to be started anew`)
              stopProcess()
            },
            branchEni: options.ambient.branchEni,
            rules: { enablement: options.ambient.enablement, excludedNamespaces: options.excludedNamespaces },
          }),
        )
  const left = { pods, journal, worker, host, log, node: { ...ambientNode, families: [4, 6] as const } }
  /** what is there once the agent listens */
  const late: { pluginSocket?: PluginSocket } = {}
  const loops: Loop[] = [
    periodic({
      name: 'alarms',
      everyMs: ALARMS_MS,
      turn: () => {
        alarms.observe([
          ...alarmsOf({ pods, journal, redirector, installer, startedAt }),
          ...proofs.alarms(),
          ...(ambient?.alarms() ?? []),
          ...(late.pluginSocket?.alarms() ?? []),
        ])
        endWithoutThread([worker, probes], log)
      },
      report: reportTurn(log, 'alarms'),
    }),
    periodic({
      name: 'journal',
      everyMs: JOURNAL_MS,
      turn: () => forgetGone(journal),
      report: reportTurn(log, 'journal'),
    }),
    periodic({
      name: 'self-test',
      everyMs: SELF_TEST_AGAIN_MS,
      turn: async () => {
        if (redirector.picked.is === 'picked' && performance.now() - triedAt < SELF_TEST_MS) return
        await redirector.tryNode()
        triedAt = performance.now()
      },
      report: reportTurn(log, 'self-test'),
    }),
    ...proofs.loops,
    ...(ambient?.loops ?? [ambientLeftovers({ ...left, proc: paths.proc, ztunnelSocket: paths.ztunnelSocket })]),
    installer,
  ]

  const queue = new PodQueue(REQUESTS)
  const sandboxes = new Sandboxes({
    ...{ pods, journal, redirector, worker, excludedNamespaces: options.excludedNamespaces },
    namespaces: new SandboxNamespaces(paths),
    ambient: ambient?.enrolment ?? null,
    ...(options.ambient !== null && { enablement: options.ambient.enablement }),
    onRedirected: (uid) => proofs.redirected(uid),
    measure: (phase, seconds) => metrics.observe('sluice_cni_duration_seconds', { phase }, seconds),
  })

  let stopping = false
  const readiness = (): readonly Check[] => [
    stopping
      ? { name: 'running', is: 'failed', detail: 'the agent was told to stop' }
      : { name: 'running', is: 'ok', detail: 'the agent works' },
    redirector.picked.is === 'picked'
      ? { name: 'self-test', is: 'ok', detail: `traffic followed real rules, made by ${redirector.picked.backend}` }
      : { name: 'self-test', is: 'failed', detail: sentence(redirector.picked.reason) },
    late.pluginSocket?.check() ?? {
      name: 'plugin-socket',
      is: 'failed',
      detail: `nobody answers at ${paths.pluginSocket}`,
    },
    installedCheck(installer),
  ]
  const health = healthServer(loops, readiness)
  starting.defer(async () => await health.close())
  const metricsApp = pageServer({
    '/metrics': async () => {
      setGauges(metrics, { redirector, loops, pods, journal, queue, installer })
      proofs.setGauges()
      ambient?.setGauges()
      return await metricsPage(metrics)
    },
  })
  starting.defer(async () => await metricsApp.close())
  const healthAddress = await health.listen(options.health)
  const metricsAddress = await metricsApp.listen(options.metrics)
  const cni = await CniServer.listen({
    ...{ socket: paths.pluginSocket, sandboxes, queue, record: recordRequest(log, metrics) },
    report: (err) => log.error({ err }, 'a request of the plugin failed'),
  })
  starting.defer(async () => await cni.close())

  late.pluginSocket = new PluginSocket({ server: cni, path: paths.pluginSocket, metrics, log })
  loops.push(late.pluginSocket.loop)

  const stop = new AbortController()
  const running = Promise.all([pods, ...loops].map(async (part) => await part.run(stop.signal)))
  const parts = starting.move()
  parts.defer(async () => {
    stop.abort()
    await running
    journal.write()
  })
  log.info({ healthAddress, metricsAddress, node: options.nodeName }, 'working')
  return {
    healthAddress,
    metricsAddress,
    close: async () => {
      if (!stopping) log.info('stopping: not ready any more; rules stay')
      stopping = true
      await parts.disposeAsync()
    },
  }
}

/** How this node does ambient. */
const PLAIN_AMBIENT_NODE: NodeFacts['ambient'] = {
  dnsCapture: true,
  probeSource: { 4: address.parse(PROBE_SOURCE.v4), 6: address.parse(PROBE_SOURCE.v6) },
}

interface Watched {
  readonly pods: NodePods
  readonly journal: Journal
  readonly redirector: Redirector
  readonly installer: Installer
  readonly startedAt: number
}

function alarmsOf({ pods, journal, redirector, installer, startedAt }: Watched): readonly Reason[] {
  const { picked } = redirector
  // just started is no alarm yet
  const ageMs = Math.min(pods.ageMs, performance.now() - startedAt)
  return [
    ...(ageMs > PODS_STALE_MS
      ? [{ code: 'pods_unknown', args: { seconds: Math.round(pods.ageMs / 1000) } } as const]
      : []),
    ...(journal.unwritten === null
      ? []
      : [{ code: 'journal_unwritten', args: { problem: journal.unwritten } } as const]),
    ...(picked.is === 'picked' ? [] : [picked.reason]),
    ...installer.alarms(),
  ]
}

/** Without its threads an agent can redirect and measure nothing, though its loops turn: another process can. */
function endWithoutThread(workers: readonly NetnsWorker[], log: Logger): void {
  const lost = workers.find(({ ended }) => ended !== undefined)
  if (lost === undefined) return
  log.fatal({ err: lost.ended }, 'a thread for network namespaces has ended: stopping, to be started anew')
  stopProcess()
}

/** As the kubelet does, which starts another one. */
function stopProcess(): void {
  process.kill(process.pid, 'SIGTERM')
}

/** What the node knows of a pod's namespace; undefined where the watch has not shown it yet. */
function around(namespace: string, pods: NodePods, options: AgentOptions): Surroundings | undefined {
  const { excludedNamespaces, ambient } = options
  const namespaceLabels = pods.namespaceLabels(namespace)
  if (namespaceLabels === undefined) return undefined
  const enablement = ambient === null ? {} : { enablement: ambient.enablement }
  return { namespace, namespaceLabels, excludedNamespaces, ambient: ambient !== null, ...enablement }
}

/** The network that the kubelet is in; where the first process may not be looked at, this process's own, which on a node is the same. */
function openHost(proc: string): NetnsHandle {
  try {
    return openNetns(join(proc, '1/ns/net'))
  } catch {
    return openNetns(OWN_NETNS)
  }
}

/** Pods whose namespace is gone need no remembering; what could not be written before is tried again. */
function forgetGone(journal: Journal): void {
  for (const { uid, netnsPath, netnsId } of journal.all()) {
    const there = statSync(netnsPath, { bigint: true, throwIfNoEntry: false })
    if (there === undefined || `${there.dev}:${there.ino}` !== netnsId) journal.remove(uid)
  }
  journal.write()
}

function logBackend({ picked }: Redirector, log: Logger): void {
  if (picked.is === 'picked') log.info({ backend: picked.backend, because: picked.because }, 'backend for rules')
  else log.error({ reason: picked.reason.code }, sentence(picked.reason))
}

/** What tells one run of the kernel from the next. */
function bootId(proc: string): string {
  return readFileSync(join(proc, 'sys/kernel/random/boot_id'), 'utf8').trim()
}

function reportTurn(log: Logger, loop: string): (error: unknown) => void {
  return (err) => log.error({ err, loop }, 'a turn failed; the next one comes in its time')
}

function reportWatch(log: Logger, metrics: AgentMetrics): ConstructorParameters<typeof NodePods>[0]['report'] {
  return (kind, { at, error, againMs, key }) => {
    metrics.add('sluice_watch_problems_total', { kind, at })
    // what the network and the API server do is a sentence, the rest is a bug and keeps its stack
    const problem = error instanceof Error ? error.message : String(error)
    const fields = { kind, at, key, againMs, ...(at !== 'request' && { err: error }) }
    log.warn(fields, `a watch has a problem and goes on: ${problem}`)
  }
}
