import { type Fields, read, readField, sidecarFields } from './fields.ts'
import { BARE_SIDECAR, PLAIN_PORTS, type SidecarIntent } from './intent.ts'

const FIELDS: Fields<SidecarIntent> = sidecarFields('refused')

const TRAFFIC = 'traffic.sidecar.istio.io'

/** Says how the pod's inbound traffic is intercepted: `REDIRECT`, `TPROXY` or `NONE`. */
export const INTERCEPTION = 'sidecar.istio.io/interceptionMode'
export const VIRTUAL_INTERFACES = 'istio.io/reroute-virtual-interfaces'

/** Istio's annotations that shape a sidecar's rules, and what is taken without one (cni.md §4.1). */
const ANNOTATIONS: readonly { readonly name: string; readonly sets: keyof typeof FIELDS; readonly absent: string }[] = [
  { name: INTERCEPTION, sets: 'interception', absent: 'REDIRECT' },
  { name: `${TRAFFIC}/includeOutboundIPRanges`, sets: 'outboundCidrs', absent: '*' },
  { name: `${TRAFFIC}/excludeOutboundIPRanges`, sets: 'outboundCidrsExcluded', absent: '' },
  { name: `${TRAFFIC}/includeInboundPorts`, sets: 'inboundPorts', absent: '*' },
  { name: `${TRAFFIC}/excludeInboundPorts`, sets: 'inboundPortsExcluded', absent: '15020' },
  { name: `${TRAFFIC}/includeOutboundPorts`, sets: 'outboundPorts', absent: '' },
  { name: `${TRAFFIC}/excludeOutboundPorts`, sets: 'outboundPortsExcluded', absent: '15020' },
  { name: `${TRAFFIC}/excludeInterfaces`, sets: 'excludedInterfaces', absent: '' },
]

/** Present, even empty, the first one counts. */
const VIRTUAL = [VIRTUAL_INTERFACES, `${TRAFFIC}/kubevirtInterfaces`]

/** What the annotations of a pod say of its redirection, as Istio's CNI plugin reads them; throws an IntentRefusal. */
export function sidecarOfAnnotations(annotations: Readonly<Record<string, string>>): SidecarIntent {
  const virtual = VIRTUAL.find((name) => annotations[name] !== undefined) ?? VIRTUAL_INTERFACES
  const rows = [...ANNOTATIONS, { name: virtual, sets: 'virtualInterfaces' as const, absent: '' }]
  const said = rows.map(({ name, sets, absent }) =>
    readField(FIELDS, sets, annotations[name] ?? absent, `the annotation ${name}`),
  )
  const intent = Object.assign({}, BARE_SIDECAR, ...said) as SidecarIntent
  return { ...intent, inboundPortsExcluded: [...new Set([...intent.inboundPortsExcluded, ...PLAIN_PORTS])] }
}

/** The virtual interfaces of an ambient pod, by the same grammar (quirk 24: Istio checks none there). */
export function virtualInterfacesOf(annotations: Readonly<Record<string, string>>): SidecarIntent['virtualInterfaces'] {
  const text = annotations[VIRTUAL_INTERFACES] ?? ''
  return read(AMBIENT_INTERFACES, text, `the annotation ${VIRTUAL_INTERFACES}`)
}

/** Gaps are dropped for ambient pods, as Istio does there (cni.md §5.2). */
const AMBIENT_INTERFACES = sidecarFields('dropped').virtualInterfaces
