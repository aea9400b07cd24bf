import { withLabels } from '../json/pod.ts'
import type { JsonObject } from '../json/value.ts'
import type { InjectionContext, Step } from './draft.ts'
import { label, mapProxy, withEnv } from './pod-parts.ts'

const CLUSTER = 'ISTIO_META_CLUSTER_ID'
const NETWORK = 'ISTIO_META_NETWORK'

/** The network of a pod: its label, else the URL's, else the mesh's. */
function networkOf(pod: JsonObject, context: InjectionContext): string {
  const { network } = context.settings.injectorValues.global
  return label(pod, 'topology.istio.io/network') ?? ((context.pathEnv[NETWORK] ?? '') || network)
}

/** Puts cluster, network and what else the URL carries at the end of the proxy's environment, sorted by name. */
export const PATH_ENV: Step = {
  name: 'path-env',
  follows: 'injector.md §13',
  apply(draft, context) {
    const variables: Record<string, string> = { ...context.pathEnv }
    const cluster = (context.pathEnv[CLUSTER] ?? '') || context.settings.injectorValues.global.multiCluster.clusterName
    if (cluster !== '') variables[CLUSTER] = cluster
    const network = networkOf(draft.pod, context)
    if (network !== '') variables[NETWORK] = network
    const sorted = Object.keys(variables).toSorted()
    if (sorted.length === 0) return draft
    const env = sorted.map((name) => ({ name, value: variables[name] }))
    return { ...draft, pod: mapProxy(draft.pod, (proxy) => withEnv(proxy, env)) }
  },
}

/** Labels the pod with its network, where there is one. */
export const NETWORK_LABEL: Step = {
  name: 'network-label',
  follows: 'injector.md §13',
  apply(draft, context) {
    const network = networkOf(draft.pod, context)
    if (network === '') return draft
    return { ...draft, pod: withLabels(draft.pod, { 'topology.istio.io/network': network }) }
  },
}
