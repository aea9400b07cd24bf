import { judge, type Sighting, type Verdict } from '../../../core/redirection/evidence.ts'
import { familyOf } from '../../../edge/host/addresses.ts'
import { openNetns } from '../../../edge/host/namespaces.ts'
import type { Place } from '../../../edge/host/netns-jobs.ts'
import type { Sender } from '../../../edge/host/sockets.ts'
import { type IdMap, idMapOf } from '../../../edge/host/user-namespace.ts'
import type { NetnsWorker } from '../../../edge/host/netns-worker.ts'
import { messageOf } from '../../../edge/message-of.ts'
import { destinationsOf, plan, type Planned } from './plan.ts'
import type { Target } from './target.ts'

export interface VerifyOptions {
  readonly worker: Pick<NetnsWorker, 'run'>
  readonly target: Target
  /** whether the proxy should be running by now */
  readonly proxyExpected: boolean
  /** where inbound probes come from; null: the namespace of this process, which on a node is the host's */
  readonly outside: Place | null
  /** where processes are looked for, to learn the ids of a pod with users of its own */
  readonly proc: string
  /** rules that a listing does not show, in words; null: nobody listed them */
  readonly missingRules: readonly string[] | null
}

/** How long a probe that nobody takes is waited for: what is redirected arrives within the call that sends it. */
const PATIENCE_MS = 50

/**
 * Measures whether the promises of `target` hold in the network namespace at `path`. Takes some 10 ms, and the patience on
 * top where a probe meets silence; sends no byte of payload, and nothing beyond the node.
 */
export async function verifyNetns(path: string, options: VerifyOptions): Promise<Verdict> {
  try {
    using netns = openNetns(path)
    return await measure(netns, options)
  } catch (error) {
    return unentered(path, error)
  }
}

/** The verdict on a namespace that could not be looked into. */
export function unentered(path: string, error: unknown): Verdict {
  const why = messageOf(error)
  return { is: 'unknown', measured: [], also: [{ code: 'namespace_not_entered', args: { path, why } }] }
}

/** The same for a namespace that is open already. Rejects where it cannot be entered. */
export async function measure(netns: Place, options: VerifyOptions): Promise<Verdict> {
  const { worker, outside, proxyExpected, missingRules } = options
  const target = netns.foreignUsers ? withOutsideIds(options.target, idMapOf(netns.fd, options.proc)) : options.target
  const devices = target.exceptInterfaces
  const leftAlone =
    devices.length === 0 ? [] : await worker.run('leavingBy', netns, { to: destinationsOf(target), devices })
  const planned = plan(target, await worker.run('survey', netns, {}), leftAlone)
  const observed = await worker.run('probe', netns, {
    probes: planned.map(({ probe }) => probe),
    owner: target.proxy ?? target.app,
    transparent: target.transparent,
    patienceMs: PATIENCE_MS,
    outside: outside === null ? null : outside.fd,
  })
  const sightings = planned.flatMap(({ class: one, probe }, i): readonly Sighting[] => {
    const observation = observed[i]
    if (observation === undefined) return []
    const { to, leadsTo } = probe
    const { saw: seen, listening } = observation
    const transparent = target.transparent && one === 'inbound'
    return [{ class: one, family: familyOf(to.address), to, leadsTo, transparent, seen, listening }]
  })
  return judge({ sightings: [...sightings, ...unmeasured(target, planned)], proxyExpected, missingRules })
}

/** The credentials of `target` as this process must have them, where the pod's ids are others than the node's. */
function withOutsideIds(target: Target, map: IdMap | null): Target {
  const outside = (sender: Sender): Sender | null => {
    const ids = map?.(sender) ?? null
    return ids === null ? null : { ...sender, ...ids }
  }
  const { proxy, app } = target
  return { ...target, proxy: proxy === null ? null : outside(proxy), app: outside(app) ?? app }
}

/** What could not be tried: the proxy's own traffic, where its ids are not known. */
function unmeasured(target: Target, planned: readonly Planned[]): readonly Sighting[] {
  if (target.proxy !== null) return []
  const seen = { end: 'unknown', code: 'no process of the pod tells which ids it has on the node' } as const
  return planned
    .filter((one) => one.class === 'outbound')
    .map(({ probe: { to, leadsTo } }) => {
      const family = familyOf(to.address)
      return { class: 'proxy', family, to, leadsTo, transparent: false, seen, listening: false }
    })
}
