import type { JsonObject } from '../json/value.ts'
import { isList, objectOr, objectsOf, stringOr } from '../json/value.ts'
import { trimmed } from '../vocabulary/grammars.ts'
import { CONTAINERS } from '../vocabulary/names.ts'
import type { Reason } from '../vocabulary/reasons.ts'
import type { Draft, InjectionContext, Step } from './draft.ts'
import { clusterOfRequest, isOwnCluster } from './native-sidecars.ts'
import { annotation, containersOf, proxyOf } from './pod-parts.ts'
import { multusNetworks } from './templates/multus.ts'

/** A fact about a pod that was injected as Istio does it, but that a person should know. */
type Caution = (draft: Draft, context: InjectionContext) => Reason | undefined

const CAUTION_TABLE: readonly Caution[] = [
  statusPortsDisagree,
  workloadIsPod,
  notRedirected,
  onlyTheProxy,
  nativeOffForUnknownCluster,
  multusMalformed,
  tproxyOnOpenShift,
  lowPortsOnOpenShift,
]

/** Looks at the finished pod for what will surprise its owner. */
export const CAUTIONS: Step = {
  name: 'cautions',
  follows: 'quirks 7, 10, 15, 17, 19, 28, 31',
  apply: (draft, context) => ({
    ...draft,
    warnings: [...draft.warnings, ...CAUTION_TABLE.flatMap((caution) => caution(draft, context) ?? [])],
  }),
}

/** The rules, the probes, Prometheus and the agent each have a source of their own for this port (quirk 7). */
function statusPortsDisagree({ pod, proxyConfig }: Draft, { settings }: InjectionContext): Reason | undefined {
  if (!isSidecar(pod)) return undefined
  const asked = annotation(pod, 'status.sidecar.istio.io/port')
  const ofPod = asked === undefined ? settings.injectorValues.global.proxy.statusPort : Number(trimmed(asked))
  const ofMesh = settings.meshFields.statusPort
  const ofAgent = typeof proxyConfig['statusPort'] === 'number' ? proxyConfig['statusPort'] : 0
  if (ofPod === 0 || (ofPod === ofMesh && ofMesh === ofAgent)) return undefined
  return { code: 'status_ports_disagree', args: { pod: ofPod, mesh: ofMesh, agent: ofAgent } }
}

/** Telemetry shows such a pod alone, not the workload that owns it (quirk 10). */
function workloadIsPod({ original }: Draft, { workload }: InjectionContext): Reason | undefined {
  const metadata = objectOr(original['metadata'])
  const isNamed = (stringOr(metadata['generateName']) ?? '') === ''
  const owner = objectsOf(metadata['ownerReferences']).find((one) => one['controller'] === true)
  if (workload !== undefined || !isNamed || owner === undefined) return undefined
  const name = `${stringOr(owner['kind']) ?? ''} ${stringOr(owner['name']) ?? ''}`
  return { code: 'workload_is_pod', args: { owner: name } }
}

function notRedirected({ pod }: Draft): Reason | undefined {
  const mode = objectsOf(proxyOf(pod)?.['env']).find((one) => one['name'] === 'ISTIO_META_INTERCEPTION_MODE')
  return isSidecar(pod) && mode?.['value'] === 'NONE' ? { code: 'traffic_not_redirected', args: {} } : undefined
}

function onlyTheProxy({ pod }: Draft): Reason | undefined {
  return containersOf(pod, 'containers').length === 0 ? { code: 'no_application_container', args: {} } : undefined
}

function nativeOffForUnknownCluster({ original }: Draft, context: InjectionContext): Reason | undefined {
  const { settings, pathEnv, nativeSidecars } = context
  const asked = annotation(original, 'sidecar.istio.io/nativeSidecar') ?? ''
  if (asked !== '' || nativeSidecars || settings.nativeSidecars !== 'auto' || isOwnCluster(settings, pathEnv))
    return undefined
  return { code: 'native_cluster_unknown', args: { cluster: clusterOfRequest(settings, pathEnv) } }
}

function multusMalformed({ pod, original }: Draft, { settings, mode }: InjectionContext): Reason | undefined {
  if (mode !== 'cni' || settings.injectorValues.pilot.cni.provider !== 'multus' || !isSidecar(pod)) return undefined
  const networks = annotation(original, 'k8s.v1.cni.cncf.io/networks') ?? ''
  return multusNetworks(networks).malformed ? { code: 'multus_networks_malformed', args: {} } : undefined
}

function tproxyOnOpenShift({ pod }: Draft, { settings }: InjectionContext): Reason | undefined {
  if (settings.platform !== 'openshift' || exemptUser(pod) === undefined || !isTproxy(pod)) return undefined
  return { code: 'openshift_tproxy_user', args: {} }
}

/** The rules exempt one id for user and group; a proxy that runs as root in Istio's group is not it (quirk 28). */
function lowPortsOnOpenShift({ pod }: Draft, { settings }: InjectionContext): Reason | undefined {
  const group = objectOr(proxyOf(pod)?.['securityContext'])['runAsGroup']
  const exempt = exemptUser(pod)
  if (settings.platform !== 'openshift' || isTproxy(pod) || exempt === undefined || Number(exempt) === group)
    return undefined
  const user = objectOr(proxyOf(pod)?.['securityContext'])['runAsUser']
  return user === 0 ? { code: 'openshift_proxy_captured', args: { exempt } } : undefined
}

function isSidecar(pod: JsonObject): boolean {
  const args = proxyOf(pod)?.['args']
  return isList(args) && args[1] === 'sidecar'
}

function guardArguments(pod: JsonObject): readonly string[] {
  const guard = containersOf(pod, 'initContainers').find(
    (one) => one['name'] === CONTAINERS.init || one['name'] === CONTAINERS.validation,
  )
  return isList(guard?.['args']) ? guard['args'].map((argument) => stringOr(argument) ?? '') : []
}

/** The user whose traffic the rules leave alone. */
function exemptUser(pod: JsonObject): string | undefined {
  const args = guardArguments(pod)
  return args[args.indexOf('-u') + 1]
}

function isTproxy(pod: JsonObject): boolean {
  const args = guardArguments(pod)
  return args[args.indexOf('-m') + 1] === 'TPROXY'
}
