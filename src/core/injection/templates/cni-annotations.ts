import type { JsonObject } from '../../json/value.ts'
import { annotation } from '../pod-parts.ts'
import { multusNetworks } from './multus.ts'
import { present, unlessBlank } from './present.ts'
import type { TemplateInput } from './template.ts'
import type { Traffic } from './traffic.ts'

/**
 * What the agent on the node reads from a pod in mode `cni`: the resolved traffic settings. What the pod itself annotates
 * and the agent reads as it stands, such as interfaces, is there already.
 */
export function cniAnnotations(input: TemplateInput, traffic: Traffic): JsonObject {
  const { provider } = input.context.settings.injectorValues.pilot.cni
  const existing = annotation(input.pod, 'k8s.v1.cni.cncf.io/networks') ?? ''
  return present({
    'k8s.v1.cni.cncf.io/networks': provider === 'multus' ? multusNetworks(existing).networks : undefined,
    'sidecar.istio.io/interceptionMode': traffic.mode,
    'traffic.sidecar.istio.io/includeOutboundIPRanges': unlessBlank(traffic.includeOutboundIPRanges),
    'traffic.sidecar.istio.io/excludeOutboundIPRanges': unlessBlank(traffic.excludeOutboundIPRanges),
    'traffic.sidecar.istio.io/includeInboundPorts': traffic.includeInboundPorts,
    'traffic.sidecar.istio.io/excludeInboundPorts': traffic.excludeInboundPorts,
    'traffic.sidecar.istio.io/includeOutboundPorts': traffic.includeOutboundPorts,
    'traffic.sidecar.istio.io/excludeOutboundPorts': traffic.excludeOutboundPorts,
  })
}
