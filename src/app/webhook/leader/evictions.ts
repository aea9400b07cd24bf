import { type EvictionAsk, evictionEventName, evictionRefusal } from '../../../core/repair/eviction.ts'
import type { Policy } from '../../../core/settings/policy.ts'
import { type Reason, sentence } from '../../../core/vocabulary/reasons.ts'
import type { ClusterClient } from '../../../edge/cluster/client.ts'
import { tellEvent } from './events.ts'
import { agentNamespace, type LeaderParts } from './parts.ts'
import { Spending } from './spending.ts'
import { write } from './writes.ts'

const PODS = { group: '', version: 'v1', plural: 'pods' }
/** Refusals that are told one by one; a node that asks for more is one to look at anyway. */
const ALARMS = 20

/** By what evictions are judged. */
export interface EvictionGrounds {
  readonly policy: Policy
  /** nodes with an agent that is believed */
  readonly nodes: ReadonlySet<string>
}

/**
 * Evicts the pods for which the agent of their node asks, within the budget of the policy, of which nodes take in turns; the API
 * server keeps disruption budgets. An agent itself may evict nothing: its token must not be worth more than its node.
 */
export class Evictions {
  readonly #parts: LeaderParts
  readonly #spent: Spending

  constructor(parts: LeaderParts) {
    this.#parts = parts
    this.#spent = new Spending(parts)
  }

  /** Evicts what may be evicted of `asks`; false where something is left to do. */
  async turn(
    client: ClusterClient,
    asks: readonly EvictionAsk[],
    { policy, nodes }: EvictionGrounds,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { sluiceNamespace } = this.#parts.installation
    const rules = {
      allowed: policy.repair.evict,
      ownNamespaces: [sluiceNamespace, agentNamespace(this.#parts.installation)],
      nodes,
    }
    const judged = asks.map((ask) => ({ ask, why: evictionRefusal(ask, rules) }))
    this.#parts.alarm('evictions', judged.flatMap(refusal).slice(0, ALARMS))
    let done = true
    const granted = judged.filter(({ why }) => why === undefined).map(({ ask }) => ask)
    for (const ask of this.#spent.inTurns(granted)) {
      if (this.#spent.total >= policy.repair.evictionsPerMinute || !(await this.#evict(client, ask, signal)))
        done = false
    }
    return done && granted.length === judged.length
  }

  /** Nobody is refused any more by a leader that has ended. */
  end(): void {
    this.#parts.alarm('evictions', [])
  }

  async #evict(client: ClusterClient, ask: EvictionAsk, signal: AbortSignal): Promise<boolean> {
    const { log, metrics } = this.#parts
    const { namespace, name, uid } = ask
    const eviction = {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { namespace, name },
      deleteOptions: { preconditions: { uid } },
    }
    const target = { resource: PODS, namespace, name, subresource: 'eviction' }
    const context = { log, metrics, signal, about: { namespace, pod: name, node: ask.node } }
    const result = await write('eviction', async () => await client.create(target, eviction), context)
    if (result !== 'done') return result === 'gone'
    this.#spent.add(ask.node)
    metrics.add('sluice_evictions_total', { reason: ask.asked })
    log.warn({ ...context.about, reason: 'pod_evicted', asked: ask.asked }, 'a pod was evicted')
    const event = {
      eventName: evictionEventName(ask),
      pod: { namespace, name, uid },
      type: 'Warning' as const,
      reason: 'pod_evicted',
      action: 'Evict',
      note: sentence({ code: 'pod_evicted', args: { node: ask.node, asked: ask.asked } }),
      at: this.#parts.now(),
    }
    await tellEvent(client, event, this.#parts, signal)
    return true
  }
}

function refusal({ ask, why }: { readonly ask: EvictionAsk; readonly why: string | undefined }): readonly Reason[] {
  if (why === undefined) return []
  const { namespace, name, node, asked } = ask
  return [{ code: 'eviction_refused', args: { pod: `${namespace}/${name}`, node, asked, why } }]
}
