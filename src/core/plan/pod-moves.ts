import type { Facts, NamespaceFacts } from '../decision/facts.ts'
import { outcomeOf } from '../explain/outcome-of.ts'
import { annotationsOf, containersOf } from '../json/pod.ts'
import { type JsonObject, objectOr } from '../json/value.ts'
import { familyOf, MODES, type Mode } from '../vocabulary/modes.ts'
import { CONTAINERS, ISTIO_LABELS, SLUICE_LABELS } from '../vocabulary/names.ts'
import type { Reason } from '../vocabulary/reasons.ts'
import { type NamespaceBounds, quotasAgainst, rangesAgainst } from './limits.ts'

/** The moves, each to less privilege. */
export const MOVES = ['cni', 'ambient'] as const satisfies readonly Mode[]
export type Move = (typeof MOVES)[number]

/** One pod and one move: nothing in the way, or what is. */
export interface PodMove {
  readonly to: Move
  readonly blockers: readonly Reason[]
  /** what a person should know although the move would work */
  readonly cautions: readonly Reason[]
}

/** What around a pod matters to a move; `masquerade`, of the node's network, undefined where there is no Cilium. */
export interface PlanSurroundings {
  readonly masquerade: string | undefined
  readonly bounds: NamespaceBounds
}

/** Labels that a move takes off a namespace, and puts on. */
export function movedLabels(
  labels: Readonly<Record<string, string>>,
  to: Move,
): Readonly<Record<string, string | undefined>> {
  if (to === 'cni') return { [SLUICE_LABELS.mode]: 'cni' }
  const off = [ISTIO_LABELS.injection, ISTIO_LABELS.revision, SLUICE_LABELS.mode].filter((key) =>
    Object.hasOwn(labels, key),
  )
  return { ...Object.fromEntries(off.map((key) => [key, undefined])), [ISTIO_LABELS.dataplaneMode]: 'ambient' }
}

/** Is `move` one from `mode` to less privilege? */
export function leadsDown(mode: Mode, move: Move): boolean {
  return MODES.indexOf(move) < MODES.indexOf(mode)
}

/** What becomes of the pod of `facts` if its namespace is moved: the very decision that the webhook would take then. */
export function podMove(facts: Facts, to: Move, { masquerade, bounds }: PlanSurroundings): PodMove {
  const { decision, pod, warnings } = outcomeOf({ ...facts, namespace: moved(facts.namespace, to) })
  const arrives = decision.is === 'meshed' && decision.mode === to
  const against = decision.rejected.filter(({ mode }) => mode === to).map(({ reason }) => reason)
  const refused = against.length > 0 ? against : [decision.reason]
  const probes = to === 'ambient' ? maskedProbes(facts.pod, masquerade) : []
  const early = familyOf(to) === 'sidecar' && arrives ? earlyContainers(pod) : []
  return {
    to,
    blockers: [...(arrives ? [] : refused), ...early, ...probes, ...rangesAgainst(pod, bounds)],
    cautions: [...warnings, ...extraInterfaces(facts.pod), ...quotasAgainst(pod, bounds), ...bounds.unread],
  }
}

function moved(namespace: NamespaceFacts, to: Move): NamespaceFacts {
  const labels: Record<string, string> = { ...namespace.labels }
  for (const [key, value] of Object.entries(movedLabels(namespace.labels, to)))
    if (value === undefined) Reflect.deleteProperty(labels, key)
    else labels[key] = value
  return { ...namespace, labels }
}

const OWN: readonly string[] = Object.values(CONTAINERS)

/** The application's init containers, where the proxy starts only after them. */
function earlyContainers(pod: JsonObject): readonly Reason[] {
  const all = containersOf(pod)
  const isNative = all.some(({ list, name }) => list === 'initContainers' && name === CONTAINERS.proxy)
  const early = all.filter(({ list, name }) => list === 'initContainers' && !OWN.includes(name)).map(({ name }) => name)
  if (isNative || early.length === 0) return []
  return [{ code: 'init_containers_before_proxy', args: { containers: early.join(', ') } }]
}

const PROBES = ['livenessProbe', 'readinessProbe', 'startupProbe']
const OVER_NETWORK = ['httpGet', 'tcpSocket', 'grpc']

function maskedProbes(pod: JsonObject, masquerade: string | undefined): readonly Reason[] {
  if (masquerade === undefined) return []
  const probed = containersOf(pod).some(({ container }) =>
    PROBES.some((probe) => OVER_NETWORK.some((how) => objectOr(container[probe])[how] !== undefined)),
  )
  return probed ? [{ code: 'probes_masqueraded', args: { setting: masquerade } }] : []
}

function extraInterfaces(pod: JsonObject): readonly Reason[] {
  const networks = annotationsOf(pod)['k8s.v1.cni.cncf.io/networks']
  if (networks === undefined || networks.trim() === '') return []
  return [{ code: 'extra_interfaces', args: { networks: networks.length > 100 ? 'several' : networks } }]
}
