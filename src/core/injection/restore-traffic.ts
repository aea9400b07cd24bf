import { annotationsOf, withAnnotations } from '../json/pod.ts'
import type { JsonObject } from '../json/value.ts'
import { CONTAINERS } from '../vocabulary/names.ts'
import type { Draft, InjectionContext, Step } from './draft.ts'
import { containersOf } from './pod-parts.ts'
import { previousInjection } from './merge/previous-injection.ts'
import { withoutMultusNetwork } from './templates/multus.ts'
import { unlessBlank } from './templates/present.ts'
import { statusPort } from './templates/traffic.ts'

const NETWORKS = 'k8s.v1.cni.cncf.io/networks'
const MODE = 'sidecar.istio.io/interceptionMode'
const INCLUDED = 'traffic.sidecar.istio.io/includeInboundPorts'
const EXCLUDED = 'traffic.sidecar.istio.io/excludeInboundPorts'

/**
 * Takes the traffic annotations away that an earlier injection in mode `cni` wrote and that say no more than the settings
 * do: a pod that comes again, now for another mode, must not look as if its author had asked for them. An annotation that
 * differs from the settings stays, since nobody can tell who wrote it (quirk 14).
 */
export const RESTORE_TRAFFIC: Step = {
  name: 'restore-traffic',
  follows: 'quirks 2 and 14',
  apply(draft, context) {
    const annotations = annotationsOf(draft.pod)
    if (!wasCni(draft.original, annotations) || previousInjection(draft.original).is !== 'injected') return draft
    const changes: Record<string, string | undefined> = {}
    for (const [name, value] of Object.entries(defaults(draft, context))) {
      if (value !== undefined && annotations[name] === value) changes[name] = undefined
    }
    const excluded = annotations[EXCLUDED]
    if (excluded !== undefined)
      changes[EXCLUDED] = withoutStatusPort(excluded, statusPort({ pod: draft.pod, context }), context)
    const networks = annotations[NETWORKS]
    if (networks !== undefined) changes[NETWORKS] = withoutMultusNetwork(networks)
    return { ...draft, pod: withAnnotations(draft.pod, changes) }
  },
}

/** Mode `cni` leaves `istio-validation` behind, and where nothing is redirected the annotations that it always writes. */
function wasCni(pod: JsonObject, annotations: Readonly<Record<string, string>>): boolean {
  if (containersOf(pod, 'initContainers').some((one) => one['name'] === CONTAINERS.validation)) return true
  return annotations[MODE] === 'NONE' && annotations[INCLUDED] !== undefined && annotations[EXCLUDED] !== undefined
}

/** What the settings alone make of each annotation that the injection writes. */
function defaults(draft: Draft, context: InjectionContext): Readonly<Record<string, string | undefined>> {
  const { proxy } = context.settings.injectorValues.global
  const mode = draft.proxyConfig['interceptionMode']
  return {
    [MODE]: typeof mode === 'string' ? mode : 'REDIRECT',
    [INCLUDED]: proxy.includeInboundPorts,
    // an empty value of these is never written, so one that is there is the author's
    'traffic.sidecar.istio.io/includeOutboundIPRanges': unlessBlank(proxy.includeIPRanges),
    'traffic.sidecar.istio.io/excludeOutboundIPRanges': unlessBlank(proxy.excludeIPRanges),
    'traffic.sidecar.istio.io/includeOutboundPorts': unlessBlank(proxy.includeOutboundPorts),
    'traffic.sidecar.istio.io/excludeOutboundPorts': unlessBlank(proxy.excludeOutboundPorts),
  }
}

/** `excluded` as it was before the status port was added; undefined where the settings say the same. */
function withoutStatusPort(excluded: string, port: string, context: InjectionContext): string | undefined {
  const { proxy } = context.settings.injectorValues.global
  const items = excluded.split(',')
  const before = items.at(-1) === port ? items.slice(0, -1).join(',') : excluded
  return before === proxy.excludeInboundPorts ? undefined : before
}
