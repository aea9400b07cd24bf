import { asCreated } from '../../../core/explain/live-pod.ts'
import { annotationsOf, labelsOf } from '../../../core/json/pod.ts'
import { type JsonObject, objectOr, objectsOf, stringOr } from '../../../core/json/value.ts'
import type { Move } from '../../../core/plan/pod-moves.ts'
import { ANSWER_ANNOTATIONS, SLUICE_LABELS } from '../../../core/vocabulary/names.ts'
import { ApiError } from '../../../edge/cluster/api-error.ts'
import { targetOf } from '../live.ts'
import type { ClusterClient } from '../../../edge/cluster/client.ts'

/** How the API server took one pod of a workload, asked for in the mode of the move. */
export interface DryRun {
  readonly pod: string
  readonly passes: boolean
  readonly says: string
}

/**
 * Creates one pod of each workload as a dry run, with the wish on the pod: webhook, Pod Security, quota and every other
 * webhook of the cluster have their say, and nothing is kept.
 */
export async function dryRun(
  client: ClusterClient,
  pods: readonly (readonly [name: string, pod: JsonObject])[],
  to: Move,
): Promise<readonly DryRun[]> {
  const first = new Map(pods.map(([name, pod]) => [ownerOf(pod) ?? name, [name, pod] as const]))
  const results: DryRun[] = []
  for (const [name, pod] of first.values()) results.push(await tried(client, name, pod, to))
  return results
}

async function tried(client: ClusterClient, name: string, pod: JsonObject, to: Move): Promise<DryRun> {
  const sent = asCreated(pod)
  const metadata = objectOr(sent['metadata'])
  const namespace = stringOr(metadata['namespace']) ?? ''
  const labels = { ...labelsOf(sent), [SLUICE_LABELS.mode]: to }
  const object = {
    ...sent,
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...metadata, name: undefined, generateName: 'sluice-plan-', labels },
  }
  try {
    const mode = annotationsOf(await client.tryCreate(targetOf('Pod', namespace), object))[ANSWER_ANNOTATIONS.decided]
    return { pod: name, passes: mode === to, says: mode === undefined ? 'no answer of Sluice' : `mode ${mode}` }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return { pod: name, passes: false, says: error.message }
  }
}

function ownerOf(pod: JsonObject): string | undefined {
  const owner = objectsOf(objectOr(pod['metadata'])['ownerReferences']).find(({ controller }) => controller === true)
  return stringOr(owner?.['uid'])
}
