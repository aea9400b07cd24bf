import type { Surroundings } from '../../../core/intent/enrolment.ts'
import { JUDGEMENTS } from '../../../core/redirection/evidence.ts'
import { addressesOf } from '../../../core/repair/sweepable.ts'
import { parseAddress } from '../../../core/intent/address.ts'
import { MODES } from '../../../core/vocabulary/modes.ts'
import type { Reason } from '../../../core/vocabulary/reasons.ts'
import type { ClusterClient } from '../../../edge/cluster/client.ts'
import type { Place } from '../../../edge/host/netns-jobs.ts'
import type { NetnsWorker } from '../../../edge/host/netns-worker.ts'
import type { Logger } from '../../../edge/telemetry/logger.ts'
import type { Journal } from '../journal.ts'
import { type Loop, reportTurn } from '../loop.ts'
import type { NetnsFinder } from '../netns-finder.ts'
import type { NodePod, NodePods } from '../node-pods.ts'
import type { AgentMetrics } from '../record.ts'
import type { Redirector } from '../redirector.ts'
import { PodConditions } from './pod-conditions.ts'
import { proofAlarms } from './proof-alarms.ts'
import { Proofs } from './proofs.ts'
import { Sweep } from './sweep.ts'

export interface ProvingOptions {
  readonly pods: NodePods
  readonly journal: Journal
  readonly finder: NetnsFinder
  readonly redirector: Redirector
  readonly worker: NetnsWorker
  /** what a node knows of a pod's namespace; undefined: not yet */
  readonly around: (pod: NodePod) => Surroundings | undefined
  readonly ambientDns: boolean
  readonly outside: Place | null
  readonly proc: string
  readonly everyMs: number
  /** null: there is no cluster to tell */
  readonly client: ClusterClient | null
  readonly metrics: AgentMetrics
  readonly log: Logger
}

/** The part of the agent that measures, mends and tells. */
export interface Proving {
  readonly loops: readonly Loop[]
  readonly proofs: Proofs
  /** measures a pod with the next turn: it has a new sandbox, which was redirected a moment ago */
  readonly redirected: (uid: string) => void
  readonly alarms: () => readonly Reason[]
  readonly setGauges: () => void
}

/** The journal has a pod before its rules are made; no ADD takes longer than this. */
const STARTING_MS = 30_000

/** Wires sweep, proofs and conditions together. */
export function proving(options: ProvingOptions): Proving {
  const { pods, journal, finder, client, metrics, log } = options
  const proofs = new Proofs()
  const conditions = client === null ? null : new PodConditions({ client, report: reportCondition(options) })
  const asksForEviction = new Set<string>()
  const sweep = new Sweep({
    ...options,
    proofs,
    isRemembered: (uid) => journal.get(uid) !== undefined,
    // what the journal has of a time to come was written before the clock was set back
    isStarting: (uid) => Math.abs(Date.now() - Date.parse(journal.get(uid)?.appliedAt ?? '')) < STARTING_MS,
    find: async ({ uid, object }) => {
      const addresses = addressesOf(object).flatMap((text) => parseAddress(text) ?? [])
      return await finder.find({ uid, addresses })
    },
    report: {
      cured: (proof, cure, result) => {
        if (cure === 'evict' && !asksForEviction.has(proof.uid)) {
          asksForEviction.add(proof.uid)
          conditions?.tell(proof, true)
        } else if (cure === 'evict') return
        metrics.add('sluice_repairs_total', { mode: proof.mode, cure, result })
        const pod = { uid: proof.uid, namespace: proof.namespace, name: proof.name }
        log.warn(
          { ...pod, mode: proof.mode, cure, result, verdict: proof.verdict.is },
          'a pod was not redirected as promised',
        )
      },
      dropped: () => metrics.add('sluice_sweep_dropped_total', {}),
      failed: reportTurn(log, 'sweep'),
    },
  })
  proofs.onRecord((proof, before) => {
    if (proof.verdict.is === 'redirected') asksForEviction.delete(proof.uid)
    conditions?.tell(proof, asksForEviction.has(proof.uid))
    if (proof.verdict.is === before?.verdict.is) return
    const { uid, namespace, name, mode, verdict } = proof
    log.info({ uid, namespace, name, mode, verdict: verdict.is, before: before?.verdict.is ?? null }, 'measured')
  })
  pods.onChange(({ uid }, change) => {
    if (change === 'put') return
    asksForEviction.delete(uid)
    conditions?.forget(uid)
  })
  return {
    loops: [sweep.loop, ...(conditions === null ? [] : [conditions.loop])],
    proofs,
    redirected: (uid) => sweep.redirected(uid),
    alarms: () => proofAlarms(proofs.all(), performance.now()),
    setGauges: () => setGauges(metrics, proofs),
  }
}

function setGauges(metrics: AgentMetrics, proofs: Proofs): void {
  const all = proofs.all()
  for (const mode of MODES)
    for (const verdict of JUDGEMENTS)
      metrics.set(
        'sluice_proofs',
        { mode, verdict },
        all.filter((proof) => proof.mode === mode && proof.verdict.is === verdict).length,
      )
  const now = performance.now()
  const oldest = Math.min(now, ...all.map(({ ticks }) => ticks.measured))
  metrics.set('sluice_oldest_proof_seconds', {}, (now - oldest) / 1000)
}

function reportCondition({ metrics, log }: ProvingOptions): ConstructorParameters<typeof PodConditions>[0]['report'] {
  return (error, { uid, namespace, name }) => {
    metrics.add('sluice_condition_failures_total', {})
    const problem = error instanceof Error ? error.message : String(error)
    log.warn({ uid, namespace, name }, `a condition could not be written and is tried again: ${problem}`)
  }
}
