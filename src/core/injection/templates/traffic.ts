import type { JsonObject } from '../../json/value.ts'
import { stringOr } from '../../json/value.ts'
import { trimmed } from '../../vocabulary/grammars.ts'
import { annotation } from '../pod-parts.ts'
import { unlessBlank } from './present.ts'
import type { TemplateInput } from './template.ts'

/** What of a pod's traffic is to be redirected, annotations before values (injector.md §6, §9). */
export interface Traffic {
  readonly mode: string
  readonly includeOutboundIPRanges: string
  readonly excludeOutboundIPRanges: string
  readonly includeInboundPorts: string
  /** with the status port */
  readonly excludeInboundPorts: string
  /** undefined where neither pod nor settings name any */
  readonly includeOutboundPorts: string | undefined
  readonly excludeOutboundPorts: string | undefined
  readonly virtualInterfaces: string | undefined
  readonly excludeInterfaces: string | undefined
}

/** How the traffic of a pod is redirected: its annotation, else its ProxyConfig. */
export function interceptionMode(pod: JsonObject, proxyConfig: JsonObject): string {
  return annotation(pod, 'sidecar.istio.io/interceptionMode') ?? stringOr(proxyConfig['interceptionMode']) ?? 'REDIRECT'
}

/** The status port of a pod, as text: its annotation, else the settings; spaces around it do not count (quirk 7). */
export function statusPort({ pod, context }: Pick<TemplateInput, 'pod' | 'context'>): string {
  const { proxy } = context.settings.injectorValues.global
  return trimmed(annotation(pod, 'status.sidecar.istio.io/port') ?? String(proxy.statusPort))
}

/** The status port 0 takes the probes of the proxy away. */
export function hasStatusPort(input: TemplateInput): boolean {
  return Number(statusPort(input)) !== 0
}

/** `excluded` with the status port, unless it is in there (table `excludeInboundPort`). */
export function excludeInboundPort(excluded: string, port: string): string {
  const status = trimmed(port)
  if (status === '' || Number(status) === 0 || excluded.split(',').includes(status)) return excluded
  const items = excluded.split(',').map(trimmed)
  return [...items.filter((item) => item !== ''), status].join(',')
}

/** The traffic settings of the pod. */
export function trafficOf(input: TemplateInput): Traffic {
  const { pod } = input
  const { proxy } = input.context.settings.injectorValues.global
  const excluded = annotation(pod, 'traffic.sidecar.istio.io/excludeInboundPorts') ?? proxy.excludeInboundPorts
  return {
    mode: interceptionMode(pod, input.proxyConfig),
    includeOutboundIPRanges:
      annotation(pod, 'traffic.sidecar.istio.io/includeOutboundIPRanges') ?? proxy.includeIPRanges,
    excludeOutboundIPRanges:
      annotation(pod, 'traffic.sidecar.istio.io/excludeOutboundIPRanges') ?? proxy.excludeIPRanges,
    includeInboundPorts: annotation(pod, 'traffic.sidecar.istio.io/includeInboundPorts') ?? proxy.includeInboundPorts,
    excludeInboundPorts: excludeInboundPort(excluded, statusPort(input)),
    includeOutboundPorts:
      annotation(pod, 'traffic.sidecar.istio.io/includeOutboundPorts') ?? unlessBlank(proxy.includeOutboundPorts),
    excludeOutboundPorts:
      annotation(pod, 'traffic.sidecar.istio.io/excludeOutboundPorts') ?? unlessBlank(proxy.excludeOutboundPorts),
    virtualInterfaces:
      annotation(pod, 'istio.io/reroute-virtual-interfaces') ??
      annotation(pod, 'traffic.sidecar.istio.io/kubevirtInterfaces'),
    excludeInterfaces: annotation(pod, 'traffic.sidecar.istio.io/excludeInterfaces'),
  }
}
