import type { Right } from '../../../core/checks/survey.ts'
import { objectOr } from '../../../core/json/value.ts'
import type { ClusterClient } from '../../../edge/cluster/client.ts'

interface Wanted {
  readonly verb: string
  readonly group: string
  readonly resource: string
  /** of one namespace; absent for the whole cluster */
  readonly namespace?: string
}

/** What installing needs: the objects of manifests/ by kind. */
export function installWants(namespace: string): readonly Wanted[] {
  const admission = [
    'mutatingwebhookconfigurations',
    'validatingwebhookconfigurations',
    'validatingadmissionpolicies',
    'validatingadmissionpolicybindings',
  ]
  const own = { '': ['serviceaccounts', 'configmaps', 'services'], apps: ['deployments', 'daemonsets'] }
  return [
    { verb: 'create', group: '', resource: 'namespaces' },
    ...admission.map((resource) => ({ verb: 'create', group: 'admissionregistration.k8s.io', resource })),
    ...['clusterroles', 'clusterrolebindings'].map((resource) => ({
      verb: 'create',
      group: 'rbac.authorization.k8s.io',
      resource,
    })),
    ...Object.entries(own).flatMap(([group, resources]) =>
      resources.map((resource) => ({ verb: 'create', group, resource, namespace })),
    ),
  ]
}

/** What `check`, `explain`, `audit` and `plan` read. */
export const READ_WANTS: readonly Wanted[] = [
  ...['pods', 'namespaces', 'nodes', 'configmaps', 'limitranges', 'resourcequotas'].map((resource) => ({
    verb: 'list',
    group: '',
    resource,
  })),
  { verb: 'list', group: 'apps', resource: 'daemonsets' },
  ...['mutatingwebhookconfigurations', 'validatingadmissionpolicybindings'].map((resource) => ({
    verb: 'list',
    group: 'admissionregistration.k8s.io',
    resource,
  })),
]

const REVIEWS = {
  resource: { group: 'authorization.k8s.io', version: 'v1', plural: 'selfsubjectaccessreviews' },
}

/** Asks the API server about each right of whoever runs this. */
export async function askRights(client: ClusterClient, wanted: readonly Wanted[]): Promise<readonly Right[]> {
  return await Promise.all(
    wanted.map(async ({ verb, group, resource, namespace }) => {
      const review = await client.create(REVIEWS, {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: { resourceAttributes: { verb, group, resource, ...(namespace === undefined ? {} : { namespace }) } },
      })
      return {
        verb,
        resource: group === '' ? resource : `${resource}.${group}`,
        allowed: objectOr(review['status'])['allowed'] === true,
      }
    }),
  )
}
