import { projectAgentPod } from '../../../core/nodes/agent-pod.ts'
import { projectAgentSet, projectManagedNode } from '../../../core/nodes/managed-node.ts'
import { nodePatch } from '../../../core/nodes/node-patch.ts'
import type { NodeStep } from '../../../core/nodes/node-step.ts'
import { countStates, type NodesPlan, planNodes } from '../../../core/nodes/plan.ts'
import { AGENT_DAEMON_SET, COMPONENT_LABEL, COMPONENTS, FIELD_MANAGER } from '../../../core/vocabulary/names.ts'
import { type ClusterClient, createClient } from '../../../edge/cluster/client.ts'
import { Followed } from './followed.ts'
import { agentNamespace, type LeaderParts } from './parts.ts'
import { turns } from './turns.ts'
import { write } from './writes.ts'

const NODES = { resource: { group: '', version: 'v1', plural: 'nodes' } }
const PODS = { group: '', version: 'v1', plural: 'pods' }
const DAEMON_SETS = { group: 'apps', version: 'v1', plural: 'daemonsets' }

/** Keeps labels and taint of every node as the agents' pods say (design: "Coverage"); lives as long as the term of a leader. */
export class NodeKeeper {
  readonly #parts: LeaderParts
  readonly #nodes
  readonly #agentPods
  readonly #agentSets
  #withAgent: ReadonlySet<string> | undefined

  constructor(parts: LeaderParts) {
    this.#parts = parts
    const { connection, installation, limits, reportWatch } = parts
    const namespace = agentNamespace(installation)
    const common = { connection, limits: limits.watch }
    this.#nodes = new Followed({ ...common, target: NODES, project: projectManagedNode, report: reportWatch('Node') })
    this.#agentPods = new Followed({
      ...common,
      target: { resource: PODS, namespace },
      selection: { labelSelector: `${COMPONENT_LABEL}=${COMPONENTS.agent}` },
      project: projectAgentPod,
      report: reportWatch('Pod'),
    })
    this.#agentSets = new Followed({
      ...common,
      target: { resource: DAEMON_SETS, namespace },
      selection: { fieldSelector: `metadata.name=${AGENT_DAEMON_SET}` },
      project: projectAgentSet,
      report: reportWatch('DaemonSet'),
    })
  }

  /** nodes whose agent is there and is believed, as of the last turn; undefined before the first */
  get withAgent(): ReadonlySet<string> | undefined {
    return this.#withAgent
  }

  /** Works until `signal` aborts; never throws. */
  async run(signal: AbortSignal): Promise<void> {
    const { connection, limits, clock, log } = this.#parts
    const client = createClient(connection, { signal, fieldManager: FIELD_MANAGER })
    const watched = [this.#nodes, this.#agentPods, this.#agentSets]
    const turning = turns(
      {
        limits: limits.turns,
        clock,
        changed: () => watched.map((each) => each.takeChanged()).includes(true),
        turn: async () => await this.#turn(client, signal),
        report: (err) => log.error({ err }, 'a turn of the leader about nodes failed'),
      },
      signal,
    )
    await Promise.all([turning, ...watched.map(async (each) => await each.run(signal))])
    this.#parts.alarm('nodes', [])
    this.#show([])
  }

  async #turn(client: ClusterClient, signal: AbortSignal): Promise<boolean> {
    const policy = this.#parts.policy()
    const watched = [this.#nodes, this.#agentPods, this.#agentSets]
    // what is not known is not acted upon: labels and taints stay as they are
    if (policy === undefined || !watched.every(({ isFresh }) => isFresh)) return false
    const plan = planNodes({
      nodes: this.#nodes.values,
      agentPods: this.#agentPods.values,
      agentSet: this.#agentSets.values[0],
      policy,
      nowMs: this.#parts.now().getTime(),
    })
    this.#withAgent = plan.withAgent
    this.#parts.alarm('nodes', plan.alarms)
    this.#show(plan.states)
    let done = true
    for (const step of plan.steps) if (!(await this.#apply(client, step, signal))) done = false
    return done
  }

  async #apply(client: ClusterClient, step: NodeStep, signal: AbortSignal): Promise<boolean> {
    const { log, metrics } = this.#parts
    const target = { ...NODES, name: step.node }
    const taints = step.taints.lift.length > 0 || step.taints.put !== undefined
    const call = async (): Promise<unknown> =>
      await client.patch(target, 'merge', nodePatch(taints ? await client.get(target) : {}, step))
    const result = await write('node', call, { log, metrics, signal, about: { node: step.node } })
    if (result === 'done') log.info(step, 'a node was brought up to date')
    return result === 'done' || result === 'gone'
  }

  #show(states: NodesPlan['states']): void {
    for (const { mode, state, nodes } of countStates(states))
      this.#parts.metrics.set('sluice_nodes', { mode, state }, nodes)
  }
}
