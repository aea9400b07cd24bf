import type { NamespaceFacts } from '../decision/facts.ts'
import type { Mode } from '../vocabulary/modes.ts'
import type { Reason } from '../vocabulary/reasons.ts'
import { leadsDown, type Move, movedLabels, MOVES, type PodMove } from './pod-moves.ts'

/** A pod of the mesh: how it runs, and what each move would do to it. */
export interface PlannedPod {
  readonly name: string
  readonly mode: Mode
  readonly moves: readonly PodMove[]
}

/** A reason with the pods that it is about; none where it is about the whole namespace. */
export interface Obstacle {
  readonly reason: Reason
  readonly pods: readonly string[]
}

/** One move of one namespace. */
export interface NamespaceMove {
  readonly to: Move
  /** pods that would come down to less privilege */
  readonly pods: readonly string[]
  readonly blockers: readonly Obstacle[]
  readonly cautions: readonly Obstacle[]
  /** commands, to be run by a person */
  readonly go: readonly string[]
  readonly back: readonly string[]
}

export interface NamespacePlan {
  readonly namespace: string
  readonly modes: Readonly<Partial<Record<Mode, number>>>
  readonly moves: readonly NamespaceMove[]
}

/** The plan of one namespace; `against`: what in the namespace itself stands in the way of ambient. */
export function namespacePlan(
  namespace: NamespaceFacts,
  pods: readonly PlannedPod[],
  against: readonly Reason[],
): NamespacePlan {
  const counts = Map.groupBy(pods, ({ mode }) => mode)
  return {
    namespace: namespace.name,
    modes: Object.fromEntries([...counts].map(([mode, found]) => [mode, found.length])),
    moves: MOVES.flatMap((to) => {
      const affected = pods.filter(({ mode }) => leadsDown(mode, to))
      return affected.length === 0 ? [] : [namespaceMove(namespace, to, affected, to === 'ambient' ? against : [])]
    }),
  }
}

/**
 * Whole moves first, the smallest namespace first: what goes wrong then goes wrong for few. `cni` comes before `ambient`, as a
 * pod that left `istio-init` has lost NET_ADMIN already.
 */
export function orderOf(plans: readonly NamespacePlan[]): readonly (NamespaceMove & { readonly namespace: string })[] {
  return plans
    .flatMap(({ namespace, moves }) => moves.map((move) => ({ namespace, ...move })))
    .filter(({ blockers }) => blockers.length === 0)
    .sort(
      (a, b) =>
        MOVES.indexOf(a.to) - MOVES.indexOf(b.to) ||
        a.pods.length - b.pods.length ||
        (a.namespace < b.namespace ? -1 : 1),
    )
}

function namespaceMove(
  namespace: NamespaceFacts,
  to: Move,
  pods: readonly PlannedPod[],
  against: readonly Reason[],
): NamespaceMove {
  const each = (kind: 'blockers' | 'cautions'): readonly Obstacle[] =>
    obstacles(
      pods.flatMap(({ name, moves }) =>
        moves.flatMap((move) => (move.to === to ? move[kind].map((reason) => ({ name, reason })) : [])),
      ),
    )
  const changes = movedLabels(namespace.labels, to)
  const before = Object.fromEntries(Object.keys(changes).map((key) => [key, namespace.labels[key]]))
  const restart = `kubectl rollout restart deployment,statefulset,daemonset -n ${namespace.name}`
  return {
    to,
    pods: pods.map(({ name }) => name),
    blockers: [...against.map((reason) => ({ reason, pods: [] })), ...each('blockers')],
    cautions: each('cautions'),
    go: [labelCommand(namespace.name, changes), restart],
    back: [labelCommand(namespace.name, before), restart],
  }
}

function obstacles(found: readonly { readonly name: string; readonly reason: Reason }[]): readonly Obstacle[] {
  const groups = Map.groupBy(found, ({ reason }) => JSON.stringify(reason))
  return [...groups.values()].flatMap((same) => {
    const [first] = same
    return first === undefined ? [] : [{ reason: first.reason, pods: same.map(({ name }) => name) }]
  })
}

/** Names and values come from the API server, whose grammar for labels holds nothing that a shell would act on. */
function labelCommand(namespace: string, labels: Readonly<Record<string, string | undefined>>): string {
  const words = Object.entries(labels).map(([key, value]) => (value === undefined ? `${key}-` : `${key}=${value}`))
  return `kubectl label namespace ${namespace} --overwrite ${words.join(' ')}`
}
