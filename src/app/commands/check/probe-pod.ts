import type { Probe } from '../../../core/checks/survey.ts'
import type { Audience } from '../../../core/decision/selectors.ts'
import { annotationsOf } from '../../../core/json/pod.ts'
import type { JsonObject } from '../../../core/json/value.ts'
import { ANSWER_ANNOTATIONS, ISTIO_LABELS, SLUICE_LABELS } from '../../../core/vocabulary/names.ts'
import { ApiError } from '../../../edge/cluster/api-error.ts'
import type { ClusterClient } from '../../../edge/cluster/client.ts'
import { targetOf } from '../live.ts'

/** Creates a pod that asks for the mesh, as a dry run, and looks at what came back: the whole way to the webhook and back. */
export async function probe(client: ClusterClient, namespace: string, audience: Audience): Promise<Probe> {
  try {
    const made = await client.tryCreate(targetOf('Pod', namespace), probePod(audience))
    const mode = annotationsOf(made)[ANSWER_ANNOTATIONS.decided]
    return mode === undefined ? { is: 'untouched', namespace } : { is: 'answered', mode }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    // whoever refuses the pod in our words has read it
    if (error.status === 403 && error.message.includes('denied the request: sluice: '))
      return { is: 'refused', message: error.message.slice(error.message.indexOf('sluice: ')) }
    if (error.status >= 500) return { is: 'failed', message: error.message }
    throw error
  }
}

/** A pod that every level of Pod Security admits. */
function probePod({ isDefault, revision }: Audience): JsonObject {
  const labels = isDefault
    ? { [SLUICE_LABELS.mode]: 'auto' }
    : { [ISTIO_LABELS.revision]: revision, [ISTIO_LABELS.inject]: 'true' }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { generateName: 'sluice-check-', labels },
    spec: {
      securityContext: { runAsNonRoot: true, runAsUser: 10_001, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          name: 'check',
          image: 'never-pulled.invalid/check:1',
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
        },
      ],
    },
  }
}
