/** What a node is recognised by: all that is there must match. */
export interface NodeSign {
  readonly label?: string
  readonly name?: RegExp
  readonly kubelet?: RegExp
  readonly runtime?: RegExp
  readonly osImage?: RegExp
}

/** A kind of nodes for which a value of the chart must be set, or something else be done; rows of docs/install.md. */
export interface NodePlatform {
  readonly title: string
  readonly sign: NodeSign
  /** `key=value` of the chart */
  readonly values: readonly string[]
  /** what no value does; empty where values do it all */
  readonly besides: string
}

/** In this order: the first row that matches a node speaks for it. */
export const NODE_PLATFORMS: readonly NodePlatform[] = [
  {
    title: 'GKE Autopilot',
    sign: { kubelet: /-gke\./, name: /^gk3-/ },
    values: ['cni.enabled=false'],
    besides: 'no agent can run there',
  },
  { title: 'GKE Standard', sign: { kubelet: /-gke\./ }, values: ['global.platform=gke'], besides: '' },
  {
    title: 'Bottlerocket',
    sign: { osImage: /^Bottlerocket/ },
    values: ['cni.seLinuxOptions.type=super_t'],
    besides: '',
  },
  { title: 'AKS', sign: { label: 'kubernetes.azure.com/cluster' }, values: ['global.platform=aks'], besides: '' },
  {
    title: 'OpenShift',
    sign: { osImage: /^Red Hat Enterprise Linux CoreOS/ },
    values: ['global.platform=openshift', 'webhook.platform=openshift', 'cni.seLinuxOptions.type=spc_t'],
    besides: '',
  },
  { title: 'k3s', sign: { kubelet: /\+k3s/ }, values: ['global.platform=k3s'], besides: '' },
  {
    title: 'MicroK8s',
    sign: { label: 'microk8s.io/cluster' },
    values: ['global.platform=microk8s'],
    besides: '',
  },
  {
    title: 'minikube (docker)',
    sign: { label: 'minikube.k8s.io/name', runtime: /^docker:/ },
    values: ['global.platform=minikube'],
    besides: '',
  },
  {
    title: 'Talos',
    sign: { osImage: /^Talos/ },
    values: [],
    besides: "label the agent's namespace privileged",
  },
]
