import type { Policy } from '../settings/policy.ts'
import { NODE_LABELS, NODE_LABEL_READY, NODE_MARKS } from '../vocabulary/names.ts'
import type { Ability, NodeAbility } from './ability.ts'
import { timeOf } from './agent-pod.ts'
import type { ManagedNode } from './managed-node.ts'

/** What has to change about one node: null takes a label or annotation away. Empty maps and lists where nothing has to. */
export interface NodeStep {
  readonly node: string
  readonly labels: Readonly<Record<string, string | null>>
  readonly annotations: Readonly<Record<string, string | null>>
  readonly taints: { readonly lift: readonly TaintName[]; readonly put: TaintName | undefined }
}

export interface TaintName {
  readonly key: string
  readonly effect: string
}

/** What a node is held to. */
export interface NodeWant {
  readonly ability: NodeAbility
  /** can there be an agent at all? */
  readonly eligible: boolean
  /** may one more taint be put? */
  readonly mayPut: boolean
  /** is there a DaemonSet that could ever lift a taint? */
  readonly agentExists: boolean
  readonly nowMs: number
}

export type ModeState = 'able' | 'grace' | 'unable' | 'excluded'

/** Where a node stands, and what has to be done about it. */
export interface NodePlan {
  readonly step: NodeStep
  readonly state: { readonly cni: ModeState; readonly ambient: ModeState }
  /** the taint is due and was not put: it would be one too many */
  readonly withheld: boolean
  /** the node carries the taint when the step is done */
  readonly tainted: boolean
}

/**
 * What has to change about `node`, by what is there and not by what happened: run again after the change, nothing is left.
 * Since when a node is unable is written on the node itself, so that the grace survives a change of leader.
 */
export function planNode(node: ManagedNode, want: NodeWant, policy: Policy): NodePlan {
  const graceMs = policy.coverageGraceSeconds * 1000
  const cni = planMode(node, 'cni', want, graceMs)
  const ambient = planMode(node, 'ambient', want, graceMs)
  const taint = planTaint(node, want, policy, cni)
  // without a label, the time is kept only for a taint that is still to come
  const cniMark = cni.keepsLabel || taint.waits ? cni.mark : undefined
  return {
    step: {
      node: node.name,
      labels: { ...cni.labels, ...ambient.labels },
      annotations: {
        ...changed(NODE_MARKS.cni, node.marks.cni, cniMark),
        ...changed(NODE_MARKS.ambient, node.marks.ambient, ambient.keepsLabel ? ambient.mark : undefined),
        ...changed(NODE_MARKS.taint, node.marks.taint, taint.mark),
      },
      taints: { lift: taint.lift, put: taint.put },
    },
    state: { cni: cni.state, ambient: ambient.state },
    withheld: taint.withheld,
    tainted: taint.mark !== undefined,
  }
}

/** Is there anything to do? */
export function isEmpty({ labels, annotations, taints }: NodeStep): boolean {
  const fields = Object.keys(labels).length + Object.keys(annotations).length + taints.lift.length
  return fields === 0 && taints.put === undefined
}

interface ModePlan {
  readonly labels: Readonly<Record<string, string | null>>
  readonly keepsLabel: boolean
  /** since when the node is unable, as it is written down */
  readonly mark: string | undefined
  readonly expired: boolean
  readonly state: ModeState
}

function planMode(node: ManagedNode, mode: keyof typeof NODE_LABELS, want: NodeWant, graceMs: number): ModePlan {
  const label = NODE_LABELS[mode]
  const has = node.labels[label] === NODE_LABEL_READY
  const ability = want.ability[mode]
  if (ability.able)
    return {
      labels: has ? {} : { [label]: NODE_LABEL_READY },
      keepsLabel: true,
      mark: undefined,
      expired: false,
      state: 'able',
    }
  const sinceMs = unableSince(node.marks[mode], ability, has, want.nowMs)
  const expired = want.nowMs - sinceMs >= graceMs
  const kept = node.marks[mode]
  // a mark that can be used stays as it is written
  const mark = kept !== undefined && timeOf(kept) === sinceMs ? kept : new Date(sinceMs).toISOString()
  const state = want.eligible ? (has && !expired ? 'grace' : 'unable') : 'excluded'
  return { labels: has && expired ? { [label]: null } : {}, keepsLabel: has && !expired, mark, expired, state }
}

/** What is written on the node counts; a time to come is nobody's word, since clocks differ and texts can be forged. */
function unableSince(mark: string | undefined, ability: Ability, labelled: boolean, nowMs: number): number {
  const marked = timeOf(mark)
  if (marked !== undefined && marked <= nowMs) return marked
  // that an agent which never was able is not ready yet says nothing about for how long it should have been
  return labelled ? Math.min(nowMs, ability.unableSinceMs ?? nowMs) : nowMs
}

interface TaintPlan {
  readonly lift: readonly TaintName[]
  readonly put: TaintName | undefined
  /** what the node remembers: the taint that it carries from now on */
  readonly mark: string | undefined
  readonly withheld: boolean
  /** not there, and due when the time comes */
  readonly waits: boolean
}

function planTaint(node: ManagedNode, want: NodeWant, policy: Policy, cni: ModePlan): TaintPlan {
  const { enabled, key, effect } = policy.taint
  const current = `${key}:${effect}`
  const kept = node.marks.taint
  // a taint of the policy before, which nobody else would take away
  const former = kept === undefined || kept === current ? [] : present(node, (name) => nameOf(name) === kept)
  const ours = present(node, (taint) => taint.key === key)
  const has = ours.some((taint) => taint.effect === effect)
  if (!enabled || !want.agentExists || cni.state === 'able')
    return { lift: unique([...former, ...ours]), put: undefined, mark: undefined, withheld: false, waits: false }
  const none = { lift: former, put: undefined, withheld: false, waits: false }
  // where no agent can be, a taint is the platform's, unless it is written down that the leader keeps it
  if (!want.eligible) return { ...none, lift: kept === current ? ours : former, mark: undefined }
  if (has) return { ...none, mark: current }
  if (cni.keepsLabel) return { ...none, mark: undefined }
  const due = former.length > 0 || cni.expired || isYoung(node, want, policy)
  if (due && want.mayPut) return { ...none, put: { key, effect }, mark: current }
  return { ...none, mark: undefined, withheld: due, waits: true }
}

/** A node that has just come waits for its agent with the taint on; one that was there before Sluice has the grace. */
function isYoung({ createdMs }: ManagedNode, { nowMs }: NodeWant, { coverageGraceSeconds }: Policy): boolean {
  return createdMs !== undefined && nowMs - createdMs < coverageGraceSeconds * 1000
}

function present({ taints }: ManagedNode, wanted: (taint: TaintName) => boolean): readonly TaintName[] {
  return taints.filter(wanted).map(({ key, effect }) => ({ key, effect }))
}

function unique(taints: readonly TaintName[]): readonly TaintName[] {
  return taints.filter((one, at) => taints.findIndex((other) => nameOf(other) === nameOf(one)) === at)
}

function nameOf({ key, effect }: TaintName): string {
  return `${key}:${effect}`
}

function changed(
  name: string,
  has: string | undefined,
  want: string | undefined,
): Readonly<Record<string, string | null>> {
  return has === want ? {} : { [name]: want ?? null }
}
