import { containersOf, specOf } from '../json/pod.ts'
import { type JsonObject, objectOr, objectsOf, stringOr } from '../json/value.ts'
import { goBoolean } from '../vocabulary/grammars.ts'
import { CONTAINERS } from '../vocabulary/names.ts'
import type { Address } from './address.ts'
import { read, sidecarFields } from './fields.ts'
import { type Id, id } from './grammar.ts'
import { BARE_SIDECAR, type SidecarIntent } from './intent.ts'
import type { Environment } from './init-arguments.ts'

/** The first init or regular container called `name`; a native sidecar is an init container. */
export function containerNamed(pod: JsonObject, name: string): JsonObject | undefined {
  return containersOf(pod).find((one) => one.name === name && one.list !== 'ephemeralContainers')?.container
}

/** The proxy of the pod. */
export function proxyOf(pod: JsonObject): JsonObject | undefined {
  return containerNamed(pod, CONTAINERS.proxy)
}

/** The literal environment of `container`; what only the kubelet knows (`valueFrom`) counts as absent. The last of a name wins. */
export function environmentOf(container: JsonObject): Environment {
  const out: Record<string, string> = Object.create(null) as Record<string, string>
  for (const entry of objectsOf(container['env'])) {
    const name = stringOr(entry['name'])
    const value = stringOr(entry['value'])
    if (name !== undefined && value !== undefined) out[name] = value
  }
  return out
}

/** Is the switch `name` of the environment on, as Go reads booleans? */
export function isOn(environment: Environment, name: string): boolean {
  return goBoolean(environment[name] ?? '') === true
}

/**
 * What the proxy runs as. The container's own user and group, else the pod's (which Istio's plugin does not read: quirk 26);
 * root is no identity, since everybody's root would be exempt: then Istio's own number.
 */
export function ownersOf(pod: JsonObject): Pick<SidecarIntent, 'proxyUids' | 'proxyGids'> {
  const own = objectOr(proxyOf(pod)?.['securityContext'])
  const ofPod = objectOr(specOf(pod)['securityContext'])
  const chosen = (key: 'runAsUser' | 'runAsGroup'): readonly Id[] | undefined => {
    const value = own[key] ?? ofPod[key]
    if (value === undefined || value === null || value === 0) return undefined
    return [read(id, JSON.stringify(value), `securityContext.${key} of ${CONTAINERS.proxy}`)]
  }
  return {
    proxyUids: chosen('runAsUser') ?? BARE_SIDECAR.proxyUids,
    proxyGids: chosen('runAsGroup') ?? BARE_SIDECAR.proxyGids,
  }
}

/** Which DNS servers the pod's resolv.conf will name: the kubelet makes it from these (pod.spec.dnsPolicy, dnsConfig). */
export function resolversOf(pod: JsonObject): Pick<SidecarIntent, 'dnsPolicy' | 'dnsServers'> {
  const spec = specOf(pod)
  const named = objectOr(spec['dnsConfig'])['nameservers']
  const servers = Array.isArray(named) ? (named as readonly unknown[]).filter((each) => typeof each === 'string') : []
  const dnsServers: readonly Address[] = read(SERVERS, servers.join(','), 'dnsConfig.nameservers')
  return { dnsPolicy: POLICIES.get(stringOr(spec['dnsPolicy']) ?? '') ?? 'cluster', dnsServers }
}

const SERVERS = sidecarFields('refused').dnsServers

const POLICIES: ReadonlyMap<string, SidecarIntent['dnsPolicy']> = new Map([
  ['None', 'none'],
  ['Default', 'node'],
])
