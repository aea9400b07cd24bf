import { LEASES } from '../../../core/vocabulary/names.ts'
import type { Reason } from '../../../core/vocabulary/reasons.ts'
import { Election } from '../../../edge/cluster/election.ts'
import type { ServingCertificate } from '../../../edge/tls/certificate.ts'
import { messageOf } from '../../../edge/message-of.ts'
import { type Installation, revisionSuffix } from '../world.ts'
import { NodeKeeper } from './nodes.ts'
import { GuardKeys } from './guard-keys.ts'
import type { LeaderParts } from './parts.ts'
import { type Registered, Registration } from './registration.ts'
import { ReportedPods } from './reported-pods.ts'

/** What a replica does beside answering. */
export interface Leader {
  /** works until told to stop, and gives its leases back; never throws */
  readonly run: (signal: AbortSignal) => Promise<void>
  /** what is wrong now */
  readonly alarms: () => readonly Reason[]
}

/**
 * The part of a replica that looks at its registration and, where it `leads` and holds the lease, writes: one lease for what
 * all revisions share (nodes, evictions), one for what is the revision's own (caBundle, the keys of the guard).
 */
export function createLeader(
  given: Omit<LeaderParts, 'alarm'>,
  certificate: () => ServingCertificate | undefined,
  leads: boolean,
): Leader {
  const raised = new Map<string, readonly Reason[]>()
  const parts: LeaderParts = { ...given, alarm: (duty, reasons) => void raised.set(duty, reasons) }
  const { connection, installation, identity, limits, log, metrics, clock } = parts
  const registrations = registeredAs(installation).map((each) => new Registration(parts, each, certificate))
  const election = (name: string, lead: (signal: AbortSignal) => Promise<void>): Election =>
    new Election({
      connection,
      lease: { namespace: installation.sluiceNamespace, name },
      identity,
      lead,
      report: (error) => log.warn({ lease: name, problem: messageOf(error) }, 'the lease: a try failed'),
      announce: (leading) => {
        metrics.set('sluice_leader', { lease: name }, leading ? 1 : 0)
        log.info({ lease: name, identity }, leading ? 'leading' : 'not leading any more')
      },
      limits: limits.election,
      clock,
    })
  const elections = leads
    ? [
        election(LEASES.cluster, async (signal) => {
          const nodes = new NodeKeeper(parts)
          const pods = new ReportedPods(parts, () => nodes.withAgent)
          await Promise.all([nodes.run(signal), pods.run(signal)])
        }),
        election(`${LEASES.registration}${revisionSuffix(installation)}`, async (signal) => {
          const duties = [...registrations, new GuardKeys(parts)]
          await Promise.all(duties.map(async (each) => await each.keep(signal)))
        }),
      ]
    : []
  return {
    run: async (signal) => {
      await Promise.all([...registrations, ...elections].map(async (each) => await each.run(signal)))
    },
    alarms: () => [...registrations.flatMap((each) => each.alarms()), ...[...raised.values()].flat()],
  }
}

/** The objects that tell the API server of this webhook, by the names that the manifests give them. */
function registeredAs(installation: Installation): readonly Registered[] {
  const suffix = revisionSuffix(installation)
  return [
    {
      kind: 'MutatingWebhookConfiguration',
      plural: 'mutatingwebhookconfigurations',
      name: `sluice${suffix}`,
      needed: true,
    },
    {
      kind: 'ValidatingWebhookConfiguration',
      plural: 'validatingwebhookconfigurations',
      name: `sluice-explain${suffix}`,
      needed: false,
    },
  ]
}
