import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { outcomeOf } from '../../core/explain/outcome-of.ts'
import type { GuardParameter } from '../../core/registration/guard-keys.ts'
import { FIELD_MANAGER } from '../../core/vocabulary/names.ts'
import type { Reason } from '../../core/vocabulary/reasons.ts'
import { createClient } from '../../edge/cluster/client.ts'
import { SYSTEM_CLOCK } from '../../edge/cluster/clock.ts'
import { secretStore } from '../../edge/cluster/secret-store.ts'
import { createLogger, gatheredOutput, type Logger } from '../../edge/telemetry/logger.ts'
import { metricsPage } from '../../edge/telemetry/metrics.ts'
import { addressOf, pageServer } from '../../edge/telemetry/page-server.ts'
import { directoryStore } from '../../edge/tls/directory-store.ts'
import { fileSource } from '../../edge/tls/file-source.ts'
import { selfMadeSource, type SelfMadeOptions } from '../../edge/tls/self-made-source.ts'
import type { CertificateSource } from '../../edge/tls/source.ts'
import type { CertificateStore } from '../../edge/tls/store.ts'
import { Alarms } from '../alarms.ts'
import { reportWatch } from '../watch-report.ts'
import { factAlarms } from './alarms.ts'
import type { Decide } from './answer.ts'
import { clusterFacts, type ClusterFacts } from './cluster-facts.ts'
import { DEFAULT_LIMITS, type Limits } from './limits.ts'
import { DEFAULT_INSTALLATION, type Certificates, type WebhookOptions } from './options.ts'
import { checks } from './readiness.ts'
import { createRecorder, webhookMetrics, type WebhookMetrics } from './record.ts'
import { createServer, secureContext, type WebhookServer } from './server.ts'
import { createLeader, type Leader } from './leader/leader.ts'
import { TURN_LIMITS } from './leader/turns.ts'
import type { FactSource } from './snapshot.ts'
import { type World, worldOf } from './world.ts'

/** A webhook that serves. */
export interface Webhook {
  /** of the HTTPS server */
  readonly address: AddressInfo
  readonly metricsAddress: AddressInfo
  /** PEM of the CAs that clients must trust now; empty where somebody else makes the certificates */
  readonly ca: () => string
  /** Stops without losing a request: not ready first, then no new connection, then what is in flight. Safe to call twice. */
  readonly close: () => Promise<void>
}

/** What tests put in the place of the real thing. */
export interface Seams {
  readonly decide?: Decide
  /** clock and lives of the certificates that are made */
  readonly lives?: Partial<Omit<SelfMadeOptions, 'store' | 'names' | 'caName' | 'report' | 'announce'>>
}

/** How often alarms are looked for. */
const ALARMS_MS = 5_000

/**
 * Starts the webhook and resolves when it listens. Throws where there is no certificate to serve or an address is taken;
 * then nothing is left running.
 */
export async function startWebhook(
  options: WebhookOptions,
  { decide = outcomeOf, lives }: Seams = {},
): Promise<Webhook> {
  const metrics = webhookMetrics()
  const dropped = (): void => metrics.add('sluice_log_lines_dropped_total', {})
  const destination = options.log?.destination ?? gatheredOutput(dropped)
  const log = createLogger({ level: 'info', ...options.log, destination })
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const facts = factsOf(options, log, metrics)
  const source = facts.world
  const certificates = certificateSource(options.certificates, log, lives)
  await certificates.refresh()
  const certificate = certificates.current()
  if (certificate === undefined) throw new Error('a source that was refreshed has a certificate')
  const leader = leaderOf(options, { world: source, certificate: () => certificates.current(), log, metrics })
  const wrong = (): readonly Reason[] => [...factAlarms(source), ...leader.alarms()]

  let draining = false
  const { app, load } = createServer({
    source,
    decide,
    record: createRecorder(log, metrics),
    limits,
    certificate,
    checks: () => checks(source, certificates, { draining, alarms: wrong(), now: new Date() }),
    draining: () => draining,
  })
  certificates.onChange((changed) => {
    app.server.setSecureContext(secureContext(changed))
    log.info({ notAfter: changed.notAfter }, 'serving a new certificate')
  })
  const metricsApp = pageServer({
    '/metrics': async () => {
      metrics.set('sluice_admission_in_flight', {}, load.requests)
      setGauges(metrics, source, certificates)
      return await metricsPage(metrics)
    },
  })
  const stop = new AbortController()
  const alarms = new Alarms(log, (reason, count) => metrics.set('sluice_alarms', { reason }, count))
  const looking = setInterval(() => alarms.observe(wrong()), ALARMS_MS)
  const close = once(async () => {
    draining = true
    log.info('stopping: not ready any more')
    await drain(app, limits)
    await metricsApp.close()
    await end()
    log.info('stopped')
  })
  const running = Promise.all([certificates.run(stop.signal), facts.run(stop.signal), leader.run(stop.signal)])
  const end = async (): Promise<void> => {
    clearInterval(looking)
    stop.abort()
    await running
  }
  let metricsAddress: AddressInfo
  try {
    await app.listen({ ...options.listen })
    metricsAddress = await metricsApp.listen(options.metrics)
  } catch (error) {
    await Promise.all([app.close(), metricsApp.close(), end()])
    throw error
  }
  const address = addressOf(app)
  log.info({ address, metricsAddress }, 'serving')
  return { address, metricsAddress, ca: () => certificates.current()?.ca ?? '', close }
}

/**
 * While `drainMs` last, requests are answered with `Connection: close`, so that clients come back elsewhere; then the socket
 * closes and what is in flight is waited for.
 */
async function drain(app: WebhookServer, { drainMs, closeMs }: Limits): Promise<void> {
  await sleep(drainMs)
  const cut = setTimeout(() => app.server.closeAllConnections(), closeMs)
  await app.close()
  clearTimeout(cut)
}

function certificateSource(certificates: Certificates, log: Logger, lives: Seams['lives']): CertificateSource {
  const report = (err: unknown): void => log.error({ err }, 'the certificate could not be refreshed')
  if (certificates.from === 'files') return fileSource({ ...certificates, report })
  return selfMadeSource({
    store: storeOf(certificates),
    names: certificates.names,
    caName: 'sluice-ca',
    now: () => new Date(),
    ...lives,
    report,
    announce: (what, why) => log.info({ why }, `making a new ${what}`),
  })
}

function storeOf(certificates: Exclude<Certificates, { readonly from: 'files' }>): CertificateStore {
  if (certificates.from === 'self-made') return directoryStore(certificates.directory)
  const client = createClient(certificates.connection, { fieldManager: FIELD_MANAGER })
  return secretStore(client, certificates.secret)
}

function setGauges(metrics: WebhookMetrics, source: FactSource, certificates: CertificateSource): void {
  metrics.set('sluice_facts_age_seconds', {}, source.ageSeconds())
  const problems = source.problems()
  for (const configuration of ['mesh', 'policy'])
    metrics.set('sluice_configuration_bad', { configuration }, problems.has(configuration) ? 1 : 0)
  const notAfter = certificates.current()?.notAfter.getTime() ?? 0
  metrics.set('sluice_certificate_not_after_seconds', {}, notAfter / 1000)
}

interface LeaderContext {
  readonly world: World
  readonly certificate: CertificateSource['current']
  readonly log: Logger
  readonly metrics: WebhookMetrics
}

function factsOf({ facts, ...options }: WebhookOptions, log: Logger, metrics: WebhookMetrics): ClusterFacts {
  const installation = { ...DEFAULT_INSTALLATION, ...options.installation }
  if (facts.from === 'objects') return { world: worldOf(facts.objects, installation), run: () => Promise.resolve() }
  return clusterFacts({
    connection: facts.connection,
    installation,
    ...(facts.watch === undefined ? {} : { limits: facts.watch }),
    report: reportWatch(log, (labels) => metrics.add('sluice_watch_problems_total', labels)),
  })
}

/** Without a cluster there is nothing to lead. */
function leaderOf({ facts, ...options }: WebhookOptions, { world, certificate, log, metrics }: LeaderContext): Leader {
  if (facts.from === 'objects') return { run: () => Promise.resolve(), alarms: () => [] }
  const { leads = false, name = hostname(), limits } = facts.leader ?? {}
  const report = reportWatch(log, (labels) => metrics.add('sluice_watch_problems_total', labels))
  return createLeader(
    {
      connection: facts.connection,
      installation: { ...DEFAULT_INSTALLATION, ...options.installation },
      identity: `${name}_${randomBytes(4).toString('hex')}`,
      policy: () => world.policy(),
      guard: () => guardOf(world),
      log,
      metrics,
      limits: { turns: TURN_LIMITS, minuteMs: 60_000, election: {}, ...limits, watch: facts.watch ?? {} },
      clock: SYSTEM_CLOCK,
      now: () => new Date(),
      reportWatch: (kind) => (problem) => report(kind, problem),
    },
    certificate,
    leads,
  )
}

function guardOf(world: World): GuardParameter | undefined {
  const now = world.current()
  return now.is === 'snapshot' ? now.snapshot.guard : undefined
}

function once(run: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined
  return () => (done ??= run())
}
