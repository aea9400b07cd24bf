import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { IpFamily } from '../../../core/intent/address.ts'
import { address } from '../../../core/intent/grammar.ts'
import { probeBlockers } from '../../../core/redirection/probe-blockers.ts'
import type { Reason } from '../../../core/vocabulary/reasons.ts'
import type { NetnsHandle } from '../../../edge/host/namespaces.ts'
import type { NetnsWorker } from '../../../edge/host/netns-worker.ts'
import type { ScratchNetwork } from '../../../edge/host/scratch-network.ts'
import { messageOf } from '../../../edge/message-of.ts'
import type { ProbePath } from './probe-path.ts'

export interface PreflightOptions {
  readonly worker: NetnsWorker
  readonly host: NetnsHandle
  readonly proc: string
  readonly probePath: ProbePath
  readonly families: readonly IpFamily[]
  readonly probeSource: Readonly<Record<IpFamily, string>>
}

/** What trying showed. */
export interface Preflight {
  /** why no pod may be brought in on this node; null: probes come through */
  readonly problem: Reason | null
  /** what a person should know all the same */
  readonly warnings: readonly Reason[]
}

/** Networks for documentation (RFC 5737, 3849), not those that outbound probes are sent to. */
const SCRATCH: Readonly<Record<IpFamily, ScratchNetwork>> = {
  4: { node: '198.51.100.253', pod: '198.51.100.254', prefix: 30 },
  6: { node: '2001:db8:7127::1', pod: '2001:db8:7127::2', prefix: 126 },
}
const MEMBER = 'sluice-preflight'
const STRANGER = { uid: 65_534, gid: 65_534 }
const PATIENCE_MS = 1_000

/**
 * Tries the probe path for real, before a pod depends on it: a probe as the kubelet's user, to a pod that is made for it, and beside
 * it one as somebody else. Where even that one does not come through, this node cannot be judged by such a pod, which blocks nobody.
 */
export async function preflight(options: PreflightOptions): Promise<Preflight> {
  const { worker, host, proc, probePath, families, probeSource } = options
  const warnings = probeBlockers(interfacesOf(proc))
  const kubelet = probePath.kubelet()
  if (kubelet === undefined) return { problem: { code: 'kubelet_not_found', args: { proc } }, warnings }
  const networks = families.map((family) => SCRATCH[family])
  try {
    const problem = await probePath.put(
      MEMBER,
      networks.map(({ pod }) => address.parse(pod)),
    )
    if (problem !== null) return { problem, warnings }
    const users = [STRANGER, { uid: kubelet, gid: 0 }]
    const knocked = await worker.run('knock', host, { networks, users, patienceMs: PATIENCE_MS })
    const found = families.map((family, i) => judged(family, knocked[i] ?? [], probeSource[family]))
    const blocked = found.find((reason) => reason?.code === 'probe_path_blocked')
    const untold = found.find((reason) => reason?.code === 'probe_path_untold')
    return { problem: blocked ?? null, warnings: [...warnings, ...(untold ? [untold] : [])] }
  } catch (error) {
    // it takes more than rules do, such as interfaces of a kind that the kernel may lack
    const why = messageOf(error)
    return { problem: null, warnings: [...warnings, { code: 'probe_path_untold', args: { why } }] }
  } finally {
    await probePath.drop(MEMBER)
  }
}

function judged(family: IpFamily, [stranger, kubelet]: readonly (string | null)[], source: string): Reason | null {
  if (kubelet === source) return null
  if (stranger === null || stranger === undefined)
    return { code: 'probe_path_untold', args: { why: `a pod made for it cannot be reached over IPv${family}` } }
  return { code: 'probe_path_blocked', args: { family, saw: kubelet ?? 'nobody', source } }
}

/** The interfaces of the node, as its first process sees them. */
function interfacesOf(proc: string): readonly string[] {
  try {
    const lines = readFileSync(join(proc, '1/net/dev'), 'utf8').split('\n')
    return lines.flatMap((line) => /^\s*([^:\s]+):/.exec(line)?.[1] ?? [])
  } catch {
    return []
  }
}
