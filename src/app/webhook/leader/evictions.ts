import { type EvictionAsk, evictionRefusal, projectEvictionAsk } from '../../../core/repair/eviction.ts'
import { FIELD_MANAGER } from '../../../core/vocabulary/names.ts'
import { type Reason, sentence } from '../../../core/vocabulary/reasons.ts'
import { type ClusterClient, createClient } from '../../../edge/cluster/client.ts'
import { microTime } from '../../../edge/cluster/election.ts'
import { Followed } from './followed.ts'
import { agentNamespace, type LeaderParts } from './parts.ts'
import { turns } from './turns.ts'
import { write } from './writes.ts'

const PODS = { group: '', version: 'v1', plural: 'pods' }
const EVENTS = { group: 'events.k8s.io', version: 'v1', plural: 'events' }
const MINUTE_MS = 60_000
/** Refusals that are told one by one; a node that asks for more is one to look at anyway. */
const ALARMS = 20

/**
 * Evicts the pods for which the agent of their node asks, within the budget of the policy; the API server keeps disruption
 * budgets. An agent itself may evict nothing: its token must not be worth more than its node.
 */
export class Evictions {
  readonly #parts: LeaderParts
  readonly #nodesWithAgent: () => ReadonlySet<string> | undefined
  readonly #asks: Followed<EvictionAsk>
  /** when the evictions of the last minute were */
  #spent: readonly number[] = []

  constructor(parts: LeaderParts, nodesWithAgent: () => ReadonlySet<string> | undefined) {
    this.#parts = parts
    this.#nodesWithAgent = nodesWithAgent
    this.#asks = new Followed({
      connection: parts.connection,
      limits: parts.limits.watch,
      target: { resource: PODS },
      selection: { fieldSelector: 'status.phase!=Succeeded,status.phase!=Failed' },
      project: projectEvictionAsk,
      report: parts.reportWatch('Pod'),
    })
  }

  /** Works until `signal` aborts; never throws. */
  async run(signal: AbortSignal): Promise<void> {
    const { connection, limits, clock, log } = this.#parts
    const client = createClient(connection, { signal, fieldManager: FIELD_MANAGER })
    const turning = turns(
      {
        limits: limits.turns,
        clock,
        changed: () => this.#asks.takeChanged(),
        turn: async () => await this.#turn(client, signal),
        report: (err) => log.error({ err }, 'a turn of the leader about evictions failed'),
      },
      signal,
    )
    await Promise.all([turning, this.#asks.run(signal)])
    this.#parts.alarm('evictions', [])
  }

  async #turn(client: ClusterClient, signal: AbortSignal): Promise<boolean> {
    const policy = this.#parts.policy()
    const nodes = this.#nodesWithAgent()
    if (policy === undefined || nodes === undefined || !this.#asks.isFresh) return false
    const { sluiceNamespace } = this.#parts.installation
    const rules = {
      allowed: policy.repair.evict,
      ownNamespaces: [sluiceNamespace, agentNamespace(this.#parts.installation)],
      nodes,
    }
    const asks = this.#asks.values
    const judged = asks.map((ask) => ({ ask, why: evictionRefusal(ask, rules) }))
    this.#parts.alarm('evictions', judged.flatMap(refusal).slice(0, ALARMS))
    let done = true
    for (const { ask, why } of judged) {
      if (why !== undefined) continue
      if (!this.#hasBudget(policy.repair.evictionsPerMinute) || !(await this.#evict(client, ask, signal))) done = false
    }
    return done && judged.every(({ why }) => why === undefined)
  }

  #hasBudget(perMinute: number): boolean {
    const now = this.#parts.clock.now()
    this.#spent = this.#spent.filter((at) => now - at < MINUTE_MS)
    return this.#spent.length < perMinute
  }

  async #evict(client: ClusterClient, ask: EvictionAsk, signal: AbortSignal): Promise<boolean> {
    const { log, metrics, clock } = this.#parts
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
    this.#spent = [...this.#spent, clock.now()]
    metrics.add('sluice_evictions_total', { reason: ask.asked })
    log.warn({ ...context.about, reason: 'pod_evicted', asked: ask.asked }, 'a pod was evicted')
    const events = { resource: EVENTS, namespace }
    await write('event', async () => await client.create(events, this.#eventOf(ask)), context)
    return true
  }

  #eventOf({ namespace, name, uid, node, asked }: EvictionAsk): object {
    return {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { namespace, generateName: 'sluice-' },
      eventTime: microTime(this.#parts.now()),
      type: 'Warning',
      reason: 'pod_evicted',
      action: 'Evict',
      note: sentence({ code: 'pod_evicted', args: { node, asked } }),
      regarding: { apiVersion: 'v1', kind: 'Pod', namespace, name, uid },
      reportingController: 'sluice-mesh.io/leader',
      reportingInstance: this.#parts.identity,
    }
  }
}

function refusal({ ask, why }: { readonly ask: EvictionAsk; readonly why: string | undefined }): readonly Reason[] {
  if (why === undefined) return []
  const { namespace, name, node, asked } = ask
  return [{ code: 'eviction_refused', args: { pod: `${namespace}/${name}`, node, asked, why } }]
}
