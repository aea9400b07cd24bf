import type { Policy } from '../settings/policy.ts'
import type { Reason } from '../vocabulary/reasons.ts'
import { abilityOf } from './ability.ts'
import { type AgentPod, disbelief } from './agent-pod.ts'
import { type AgentSet, canHaveAgent, type ManagedNode } from './managed-node.ts'
import { isEmpty, type ModeState, type NodePlan, type NodeStep, planNode } from './node-step.ts'

/** All that the leader sees of the nodes at one moment. */
export interface NodesView {
  readonly nodes: readonly ManagedNode[]
  /** every pod that carries the agent's label in its namespace */
  readonly agentPods: readonly AgentPod[]
  readonly agentSet: AgentSet | undefined
  readonly policy: Policy
  readonly nowMs: number
}

/** What to do, and what to tell. */
export interface NodesPlan {
  readonly steps: readonly NodeStep[]
  readonly states: readonly NodePlan['state'][]
  readonly alarms: readonly Reason[]
  /** nodes whose agent is there and is believed */
  readonly withAgent: ReadonlySet<string>
}

/**
 * What has to change about the nodes. Nodes that become able come first: that never does harm, and after an outage it is
 * what people wait for.
 */
export function planNodes(view: NodesView): NodesPlan {
  const { agentSet, policy, nowMs } = view
  const { believed, alarms } = believe(view)
  const ownTaints = [policy.taint.key]
  const judged = view.nodes.map((node) => {
    const recorded = node.marks.taint?.split(':', 1) ?? []
    const eligible = agentSet !== undefined && canHaveAgent(node, agentSet, [...ownTaints, ...recorded])
    return { node, eligible, ability: abilityOf(believed.get(node.name) ?? []) }
  })
  const common = { agentExists: agentSet !== undefined, nowMs }
  const eligible = judged.filter((one) => one.eligible)
  // those that keep or lose theirs whatever else happens
  const settled = eligible.filter(
    ({ node, ...want }) => planNode(node, { ...common, ...want, mayPut: false }, policy).tainted,
  )
  let room = mostTainted(policy.taint.maxShare, eligible.length) - settled.length
  const plans = judged.map(({ node, ...want }) => {
    const plan = planNode(node, { ...common, ...want, mayPut: room > 0 }, policy)
    if (plan.step.taints.put !== undefined) room--
    return plan
  })
  const withheld = plans.filter((plan) => plan.withheld).length
  return {
    steps: [...plans.map(({ step }) => step).filter((step) => !isEmpty(step))].sort(byHarm),
    states: plans.map(({ state }) => state),
    alarms: [
      ...alarms,
      ...(withheld === 0
        ? []
        : [{ code: 'taint_withheld', args: { nodes: withheld, share: policy.taint.maxShare } } as const]),
    ],
    withAgent: new Set(believed.keys()),
  }
}

/**
 * How many of `nodes` may have the taint. A taint sends pods to other nodes: where there are none it would only stop those of other
 * people, too, so that it takes a share of 1; among several one broken node may always be left.
 */
function mostTainted(share: number, nodes: number): number {
  const most = Math.floor(share * nodes)
  return most === 0 && share > 0 && nodes > 1 ? 1 : most
}

/** How many nodes are in each state, for each mode. */
export function countStates(
  states: readonly NodePlan['state'][],
): readonly { readonly mode: 'cni' | 'ambient'; readonly state: ModeState; readonly nodes: number }[] {
  return (['cni', 'ambient'] as const).flatMap((mode) =>
    (['able', 'grace', 'unable', 'excluded'] as const).map((state) => ({
      mode,
      state,
      nodes: states.filter((one) => one[mode] === state).length,
    })),
  )
}

function believe({ agentPods, agentSet }: NodesView): {
  readonly believed: ReadonlyMap<string, readonly AgentPod[]>
  readonly alarms: readonly Reason[]
} {
  const bound = agentPods.filter(({ node }) => node !== '')
  const judged = bound.map((pod) => ({ pod, why: disbelief(pod, agentSet?.uid) }))
  const believed = judged.filter(({ why }) => why === undefined).map(({ pod }) => pod)
  return {
    believed: Map.groupBy(believed, ({ node }) => node),
    // what an absent DaemonSet left behind is on its way out
    alarms: (agentSet === undefined ? [] : judged).flatMap(({ pod, why }): readonly Reason[] =>
      why === undefined ? [] : [{ code: 'agent_disbelieved', args: { pod: pod.name, node: pod.node, why } }],
    ),
  }
}

function byHarm(one: NodeStep, other: NodeStep): number {
  return harm(one) - harm(other)
}

function harm({ labels, taints }: NodeStep): number {
  return taints.put !== undefined || Object.values(labels).includes(null) ? 1 : 0
}
