import { annotationsOf, withAnnotations } from '../json/pod.ts'
import { CONTAINERS } from '../vocabulary/names.ts'
import type { Draft, InjectionContext, Step } from './draft.ts'
import { containersOf } from './pod-parts.ts'
import { previousInjection } from './merge/previous-injection.ts'
import { withoutMultusNetwork } from './templates/multus.ts'

const NETWORKS = 'k8s.v1.cni.cncf.io/networks'
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
    const wasCni = containersOf(draft.original, 'initContainers').some((one) => one['name'] === CONTAINERS.validation)
    if (!wasCni || previousInjection(draft.original).is !== 'injected') return draft
    const annotations = annotationsOf(draft.pod)
    const changes: Record<string, string | undefined> = {}
    for (const [name, value] of Object.entries(defaults(draft, context))) {
      if (annotations[name] === value) changes[name] = undefined
    }
    const excluded = annotations[EXCLUDED]
    if (excluded !== undefined) changes[EXCLUDED] = withoutStatusPort(excluded, context)
    const networks = annotations[NETWORKS]
    if (networks !== undefined) changes[NETWORKS] = withoutMultusNetwork(networks)
    return { ...draft, pod: withAnnotations(draft.pod, changes) }
  },
}

/** What the settings alone make of each annotation. */
function defaults(draft: Draft, context: InjectionContext): Readonly<Record<string, string>> {
  const { proxy } = context.settings.injectorValues.global
  const mode = draft.proxyConfig['interceptionMode']
  return {
    'sidecar.istio.io/interceptionMode': typeof mode === 'string' ? mode : 'REDIRECT',
    'traffic.sidecar.istio.io/includeOutboundIPRanges': proxy.includeIPRanges,
    'traffic.sidecar.istio.io/excludeOutboundIPRanges': proxy.excludeIPRanges,
    'traffic.sidecar.istio.io/includeInboundPorts': proxy.includeInboundPorts,
    'traffic.sidecar.istio.io/includeOutboundPorts': proxy.includeOutboundPorts,
    'traffic.sidecar.istio.io/excludeOutboundPorts': proxy.excludeOutboundPorts,
  }
}

/** `excluded` as it was before the status port was added; undefined where the settings say the same. */
function withoutStatusPort(excluded: string, context: InjectionContext): string | undefined {
  const { proxy } = context.settings.injectorValues.global
  const items = excluded.split(',')
  const before = items.at(-1) === String(proxy.statusPort) ? items.slice(0, -1).join(',') : excluded
  return before === proxy.excludeInboundPorts ? undefined : before
}
