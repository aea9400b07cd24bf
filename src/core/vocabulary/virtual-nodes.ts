/**
 * Labels of nodes that have no kernel for an agent to work in: a DaemonSet that tolerates every taint gets pods there that
 * never run. The chart keeps the agent away by the same table.
 */
export const VIRTUAL_NODE_LABELS: readonly {
  readonly key: string
  readonly value: string
  readonly platform: string
}[] = [
  { key: 'type', value: 'virtual-kubelet', platform: 'Virtual Kubelet: ACI, ECI and others' },
  { key: 'eks.amazonaws.com/compute-type', value: 'fargate', platform: 'EKS on Fargate' },
]
