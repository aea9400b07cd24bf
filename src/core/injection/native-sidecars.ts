import type { MeshSettings } from '../settings/mesh-settings.ts'

/** Native sidecars are on by themselves from this minor version of the kubelet. */
const LEAST_MINOR = 33
/** pre-release and build suffixes do not count */
const VERSION = /^v?\d+\.(\d+)(?!\d)/

/** The cluster that a request is about, as its URL or the settings name it (injector.md §10). */
export function clusterOfRequest(settings: MeshSettings, pathEnv: Readonly<Record<string, string>>): string {
  return (
    (pathEnv['ISTIO_META_CLUSTER_ID'] ?? '') || settings.injectorValues.global.multiCluster.clusterName || 'Kubernetes'
  )
}

/** Is the request about the cluster that the settings are of? Only its nodes can be asked. */
export function isOwnCluster(settings: MeshSettings, pathEnv: Readonly<Record<string, string>>): boolean {
  return clusterOfRequest(settings, pathEnv) === clusterOfRequest(settings, {})
}

/**
 * Does the setting make the proxy of a pod a native sidecar, before its annotation is read? `kubeletVersions` are those of
 * the nodes of the request's cluster by node name; undefined where that cluster or its nodes are not known, which is "off"
 * (quirk 19).
 */
export function nativeSidecars(
  setting: MeshSettings['nativeSidecars'],
  kubeletVersions: ReadonlyMap<string, string> | undefined,
  nodeName: string | undefined,
): boolean {
  if (setting !== 'auto') return setting === 'enabled'
  if (kubeletVersions === undefined) return false
  const own = nodeName === undefined ? undefined : kubeletVersions.get(nodeName)
  return own === undefined ? allSupportNative(kubeletVersions) : supportsNative(own)
}

/** answers by the very map of versions, which is made anew when a node changes: thousands of nodes are not read for each pod */
const KNOWN = new WeakMap<ReadonlyMap<string, string>, boolean>()

function allSupportNative(kubeletVersions: ReadonlyMap<string, string>): boolean {
  const known = KNOWN.get(kubeletVersions)
  if (known !== undefined) return known
  const all = kubeletVersions.values().every(supportsNative)
  KNOWN.set(kubeletVersions, all)
  return all
}

/** Can a kubelet of this version run native sidecars? Only the minor number counts; an unreadable one is too old. */
export function supportsNative(kubeletVersion: string): boolean {
  const minor = VERSION.exec(kubeletVersion)?.[1]
  return minor !== undefined && Number(minor) >= LEAST_MINOR
}
