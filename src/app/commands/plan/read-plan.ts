import { asCreated, isLive, modeOfLivePod, namespacedName } from '../../../core/explain/live-pod.ts'
import { beforeInjection } from '../../../core/explain/outcome-of.ts'
import { type JsonObject, objectOr, stringMap, stringOr } from '../../../core/json/value.ts'
import { boundsOf, type NamespaceBounds } from '../../../core/plan/limits.ts'
import { MESH_KINDS, type MeshKind, type MeshObjects, objectsAgainstAmbient } from '../../../core/plan/mesh-objects.ts'
import { type NamespacePlan, namespacePlan, type PlannedPod } from '../../../core/plan/namespace-plan.ts'
import { type NodeAgents, nodeAgents, OTHER_AGENT_SELECTOR } from '../../../core/plan/node-agents.ts'
import { type NodeMoves, nodeMoves } from '../../../core/plan/node-moves.ts'
import { leadsDown, MOVES, podMove, type PlanSurroundings } from '../../../core/plan/pod-moves.ts'
import type { Mode } from '../../../core/vocabulary/modes.ts'
import { COMPONENT_LABEL, COMPONENTS } from '../../../core/vocabulary/names.ts'
import type { Reason } from '../../../core/vocabulary/reasons.ts'
import { hasStatus } from '../../../edge/cluster/api-error.ts'
import type { ClusterClient } from '../../../edge/cluster/client.ts'
import { listAll } from '../../../edge/cluster/list-all.ts'
import type { Resource } from '../../../edge/cluster/resource.ts'
import { reasonOf } from '../input.ts'
import type { Live } from '../live.ts'

const LIMIT_RANGES = { group: '', version: 'v1', plural: 'limitranges' }
const DAEMON_SETS = { group: 'apps', version: 'v1', plural: 'daemonsets' }
const QUOTAS = { group: '', version: 'v1', plural: 'resourcequotas' }

/** A plan, and the pods that it is about by `namespace/name`, for a dry run. */
export interface Plan {
  readonly namespaces: readonly NamespacePlan[]
  readonly pods: ReadonlyMap<string, JsonObject>
  /** who redirects on which node; or why that could not be read */
  readonly nodes:
    { readonly agents: readonly NodeAgents[]; readonly moves: NodeMoves | undefined } | { readonly problem: string }
}

/** Reads what moves depend on and plans each namespace that has pods of the mesh. */
export async function readPlan(live: Live): Promise<Plan> {
  const [all, nodes, objects, cilium, bounds] = await Promise.all([
    live.pods(),
    readNodes(live.client),
    readMeshObjects(live.client),
    readCilium(live.client),
    readBounds(live.client),
  ])
  const { namespace: namespaceOf, settings } = live.snapshot()
  const pods = new Map(all.filter(isLive).map((pod) => [namespacedName(pod), pod]))
  const meshed = [...pods.values()].flatMap((pod) => {
    const mode = modeOfLivePod(pod)
    return mode === 'none' ? [] : [{ namespace: stringOr(objectOr(pod['metadata'])['namespace']) ?? '', pod, mode }]
  })
  const namespaces = [...Map.groupBy(meshed, ({ namespace }) => namespace)].flatMap(([name, members]) => {
    const namespace = namespaceOf(name)
    if (namespace === undefined) return []
    const surroundings = { masquerade: cilium.masquerade, bounds: boundsOf(name, bounds) }
    const planned = members.map(({ pod, mode }) => plannedPod(pod, mode, live, surroundings))
    const against = objectsAgainstAmbient(namespace, stringOr(settings.mesh['rootNamespace']) ?? '', objects)
    return [namespacePlan(namespace, planned, [...against, ...cilium.unread])]
  })
  return { namespaces: namespaces.sort((a, b) => (a.namespace < b.namespace ? -1 : 1)), pods, nodes }
}

function plannedPod(pod: JsonObject, mode: Mode, live: Live, surroundings: PlanSurroundings): PlannedPod {
  const facts = live.factsOf(asCreated(pod), stringOr(objectOr(pod['metadata'])['namespace']))
  const bare = { ...facts, pod: beforeInjection(facts) }
  const moves = MOVES.filter((move) => leadsDown(mode, move)).map((move) => podMove(bare, move, surroundings))
  return { name: namespacedName(pod), mode, moves }
}

async function readNodes(client: ClusterClient): Promise<Plan['nodes']> {
  const pods = async (labelSelector: string): Promise<readonly JsonObject[]> =>
    await listAll(client, { resource: { group: '', version: 'v1', plural: 'pods' } }, { labelSelector })
  try {
    const [others, own] = [await pods(OTHER_AGENT_SELECTOR), await pods(`${COMPONENT_LABEL}=${COMPONENTS.agent}`)]
    const [daemonSet] = await listAll(client, { resource: DAEMON_SETS }, { labelSelector: OTHER_AGENT_SELECTOR })
    return { agents: nodeAgents(others, own), moves: nodeMoves(daemonSet, others, own) }
  } catch (error) {
    return { problem: reasonOf(error) }
  }
}

async function readMeshObjects(client: ClusterClient): Promise<MeshObjects> {
  const kinds = Object.keys(MESH_KINDS) as MeshKind[]
  return new Map(
    await Promise.all(kinds.map(async (kind) => [kind, await readKind(client, MESH_KINDS[kind])] as const)),
  )
}

async function readBounds(client: ClusterClient): Promise<NamespaceBounds> {
  const [ranges, quotas] = await Promise.all([readKind(client, LIMIT_RANGES), readKind(client, QUOTAS)])
  const unread = [
    ['LimitRange', ranges],
    ['ResourceQuota', quotas],
  ] as const
  return {
    ranges: 'problem' in ranges ? [] : ranges,
    quotas: 'problem' in quotas ? [] : quotas,
    unread: unread.flatMap(([kind, found]): readonly Reason[] =>
      'problem' in found ? [{ code: 'objects_unread', args: { kind, problem: found.problem } }] : [],
    ),
  }
}

async function readKind(
  client: ClusterClient,
  resource: Resource,
): Promise<readonly JsonObject[] | { readonly problem: string }> {
  try {
    return await listAll(client, { resource })
  } catch (error) {
    // a cluster without the kind has no object of it
    return hasStatus(error, 404) ? [] : { problem: reasonOf(error) }
  }
}

/** Cilium's setting that matters, or why it could not be read. */
async function readCilium(
  client: ClusterClient,
): Promise<Pick<PlanSurroundings, 'masquerade'> & { readonly unread: readonly Reason[] }> {
  const target = {
    resource: { group: '', version: 'v1', plural: 'configmaps' },
    namespace: 'kube-system',
    name: 'cilium-config',
  }
  try {
    const value = stringMap((await client.get(target))['data'])['enable-bpf-masquerade']
    return { masquerade: value === 'true' ? 'enable-bpf-masquerade=true' : undefined, unread: [] }
  } catch (error) {
    const args = { kind: 'kube-system/cilium-config', problem: reasonOf(error) }
    return { masquerade: undefined, unread: hasStatus(error, 404) ? [] : [{ code: 'objects_unread', args }] }
  }
}
