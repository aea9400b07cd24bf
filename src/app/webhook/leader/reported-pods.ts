import { type EvictionAsk, projectEvictionAsk } from '../../../core/repair/eviction.ts'
import { type Notice, projectNotice } from '../../../core/repair/notice.ts'
import { FIELD_MANAGER } from '../../../core/vocabulary/names.ts'
import { type ClusterClient, createClient } from '../../../edge/cluster/client.ts'
import { Evictions } from './evictions.ts'
import { Followed } from './followed.ts'
import { Notices } from './notices.ts'
import type { LeaderParts } from './parts.ts'
import { turns } from './turns.ts'

const PODS = { group: '', version: 'v1', plural: 'pods' }

/** What the agent of its node says of a pod; pods that are as they should be are not kept. */
interface ReportedPod {
  readonly ask: EvictionAsk | undefined
  readonly notice: Notice | undefined
}

/** Acts upon what agents write on the pods of their nodes: evicts where they ask for it, and tells the pods' owners. */
export class ReportedPods {
  readonly #parts: LeaderParts
  readonly #nodesWithAgent: () => ReadonlySet<string> | undefined
  readonly #pods: Followed<ReportedPod>
  readonly #evictions: Evictions
  readonly #notices: Notices

  constructor(parts: LeaderParts, nodesWithAgent: () => ReadonlySet<string> | undefined) {
    this.#parts = parts
    this.#nodesWithAgent = nodesWithAgent
    this.#evictions = new Evictions(parts)
    this.#notices = new Notices(parts)
    this.#pods = new Followed({
      connection: parts.connection,
      limits: parts.limits.watch,
      target: { resource: PODS },
      // a pod that failed since nothing was redirected is told of
      selection: { fieldSelector: 'status.phase!=Succeeded' },
      project: (pod) => {
        const [ask, notice] = [projectEvictionAsk(pod), projectNotice(pod, this.#notices.wasBad)]
        return ask === undefined && notice === undefined ? undefined : { ask, notice }
      },
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
        changed: () => this.#pods.takeChanged(),
        turn: async () => await this.#turn(client, signal),
        report: (err) => log.error({ err }, 'a turn of the leader about what agents say of pods failed'),
      },
      signal,
    )
    await Promise.all([turning, this.#pods.run(signal)])
    this.#evictions.end()
  }

  async #turn(client: ClusterClient, signal: AbortSignal): Promise<boolean> {
    const policy = this.#parts.policy()
    const nodes = this.#nodesWithAgent()
    if (policy === undefined || nodes === undefined || !this.#pods.isFresh) return false
    const pods = this.#pods.values
    const evicted = await this.#evictions.turn(
      client,
      pods.flatMap(({ ask }) => ask ?? []),
      { policy, nodes },
      signal,
    )
    const notices = pods.flatMap(({ notice }) => notice ?? [])
    return (await this.#notices.turn(client, notices, nodes, signal)) && evicted
  }
}
