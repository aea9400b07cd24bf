/** Where a kind of node has what the installer needs, and how the plugin gets called there. */
export interface Platform {
  readonly name: string
  readonly title: string
  /** where the runtime looks for plugins */
  readonly binDir: string
  /** where older versions look instead: taken where only that is there */
  readonly olderBinDir?: string
  /** where the runtime looks for its network configuration */
  readonly confDir: string
  /** where the runtime keeps the network namespaces of pods */
  readonly netnsDir: string
  readonly placement: 'chained' | 'standalone'
  /** a directory that tells a node of this kind from the others; null: nothing differs from the defaults */
  readonly sign: string | null
  /** what an operator should know */
  readonly note: string
}

const USUAL = {
  binDir: '/opt/cni/bin',
  confDir: '/etc/cni/net.d',
  netnsDir: '/var/run/netns',
  placement: 'chained',
  sign: null,
} as const

const K3S_CONF = '/var/lib/rancher/k3s/agent/etc/cni/net.d'

/** Every platform by name, those first that have a sign of their own. */
export const PLATFORMS = [
  {
    ...USUAL,
    name: 'openshift',
    title: 'OpenShift',
    binDir: '/var/lib/cni/bin',
    confDir: '/etc/cni/multus/net.d',
    placement: 'standalone',
    sign: '/etc/cni/multus/net.d',
    note: 'Multus calls the plugin by the name of its file, for pods that ask for it; SELinux wants spc_t',
  },
  {
    ...USUAL,
    name: 'microk8s',
    title: 'MicroK8s',
    binDir: '/var/snap/microk8s/current/opt/cni/bin',
    confDir: '/var/snap/microk8s/current/args/cni-network',
    sign: '/var/snap/microk8s/current/args/cni-network',
    note: 'no process is named kubelet there',
  },
  {
    ...USUAL,
    name: 'k3s',
    title: 'k3s',
    binDir: '/var/lib/rancher/k3s/data/cni',
    olderBinDir: '/var/lib/rancher/k3s/data/current/bin',
    confDir: K3S_CONF,
    sign: '/var/lib/rancher/k3s/data',
    note: 'the older directory moved at each upgrade of k3s',
  },
  {
    ...USUAL,
    name: 'k3d',
    title: 'k3d',
    binDir: '/bin',
    confDir: K3S_CONF,
    sign: K3S_CONF,
    note: 'newer images of k3s use the directory of k3s: name that platform there',
  },
  {
    ...USUAL,
    name: 'gke',
    title: 'GKE Standard',
    binDir: '/home/kubernetes/bin',
    sign: '/home/kubernetes/bin',
    note: 'priority system-node-critical needs a ResourceQuota in the namespace; on Autopilot no node agent is possible',
  },
  {
    ...USUAL,
    name: 'minikube',
    title: 'minikube (docker)',
    netnsDir: '/var/run/docker/netns',
    sign: '/var/run/docker/netns',
    note: 'only with the docker runtime',
  },
  { ...USUAL, name: 'kind', title: 'kind, kubeadm', note: 'nothing differs' },
  { ...USUAL, name: 'eks', title: 'EKS', note: '10-aws.conflist; Bottlerocket has no shell and enforces SELinux' },
  {
    ...USUAL,
    name: 'aks',
    title: 'AKS',
    note: 'the platform puts its configuration back once or twice a month: the entry is repaired',
  },
  { ...USUAL, name: 'rke2', title: 'RKE2', note: 'a node may be Ready before its primary plugin: the installer waits' },
  {
    ...USUAL,
    name: 'talos',
    title: 'Talos',
    note: '/opt/cni/bin is a writable overlay; the namespace must be privileged',
  },
] as const satisfies readonly Platform[]

export type PlatformName = (typeof PLATFORMS)[number]['name']

const DEFAULT: PlatformName = 'kind'

/**
 * The platform of a node by what is there: a directory that only it has. `isThere` is asked about paths as the node has them.
 * A node without a sign is as most are.
 */
export function detectPlatform(isThere: (directory: string) => boolean): Platform {
  return PLATFORMS.find(({ sign }) => sign !== null && isThere(sign)) ?? platformNamed(DEFAULT)
}

/** The platform of that name. */
export function platformNamed(name: PlatformName): Platform {
  const found = PLATFORMS.find((platform) => platform.name === name)
  if (found === undefined) throw new Error(`no platform is named ${name}`)
  return found
}

/** The directory for plugins of `platform`: the older one where only that is there. */
export function binDirOf({ binDir, olderBinDir }: Platform, isThere: (directory: string) => boolean): string {
  return olderBinDir !== undefined && !isThere(binDir) && isThere(olderBinDir) ? olderBinDir : binDir
}
