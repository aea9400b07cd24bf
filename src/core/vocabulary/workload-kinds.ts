/** A kind of object that is a pod or holds the template of pods, as the API and kubectl name it. */
export interface WorkloadKind {
  readonly group: string
  readonly version: string
  readonly plural: string
  /** kubectl's other names for it, the singular first */
  readonly names: readonly string[]
  /** where its template of pods is; empty for the pod itself */
  readonly template: readonly string[]
}

const TEMPLATE = ['spec', 'template']

/** By kind: those of injector.md §18, and Rollouts besides. */
export const WORKLOAD_KINDS = {
  Pod: { group: '', version: 'v1', plural: 'pods', names: ['pod', 'po'], template: [] },
  Deployment: {
    group: 'apps',
    version: 'v1',
    plural: 'deployments',
    names: ['deployment', 'deploy'],
    template: TEMPLATE,
  },
  DaemonSet: { group: 'apps', version: 'v1', plural: 'daemonsets', names: ['daemonset', 'ds'], template: TEMPLATE },
  ReplicaSet: { group: 'apps', version: 'v1', plural: 'replicasets', names: ['replicaset', 'rs'], template: TEMPLATE },
  StatefulSet: {
    group: 'apps',
    version: 'v1',
    plural: 'statefulsets',
    names: ['statefulset', 'sts'],
    template: TEMPLATE,
  },
  ReplicationController: {
    group: '',
    version: 'v1',
    plural: 'replicationcontrollers',
    names: ['replicationcontroller', 'rc'],
    template: TEMPLATE,
  },
  DeploymentConfig: {
    group: 'apps.openshift.io',
    version: 'v1',
    plural: 'deploymentconfigs',
    names: ['deploymentconfig', 'dc'],
    template: TEMPLATE,
  },
  Rollout: {
    group: 'argoproj.io',
    version: 'v1alpha1',
    plural: 'rollouts',
    names: ['rollout', 'ro'],
    template: TEMPLATE,
  },
  Job: { group: 'batch', version: 'v1', plural: 'jobs', names: ['job'], template: TEMPLATE },
  CronJob: {
    group: 'batch',
    version: 'v1',
    plural: 'cronjobs',
    names: ['cronjob', 'cj'],
    // the pod template's metadata, not the job template's, which reaches no pod (quirk 40)
    template: ['spec', 'jobTemplate', 'spec', 'template'],
  },
} as const satisfies Record<string, WorkloadKind>
export type WorkloadKindName = keyof typeof WORKLOAD_KINDS

/** The kind that people mean by `word`: `deploy`, `deployments`, `Deployment`, `deployments.apps`. */
export function workloadKindOf(word: string): WorkloadKindName | undefined {
  const [first = '', ...rest] = word.toLowerCase().split('.')
  const group = rest.join('.')
  return (Object.keys(WORKLOAD_KINDS) as WorkloadKindName[]).find((kind) => {
    const row: WorkloadKind = WORKLOAD_KINDS[kind]
    const named = row.plural === first || row.names.includes(first)
    return named && (group === '' || group === row.group || group === `${row.version}.${row.group}`)
  })
}
