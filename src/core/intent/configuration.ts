import { isList, type JsonObject, stringOr } from '../json/value.ts'
import { ambientFields, type Fields, readField, sidecarFields } from './fields.ts'
import { type AmbientIntent, BARE_SIDECAR, type IntentResult, PLAIN_AMBIENT, type SidecarIntent } from './intent.ts'
import { readIntent } from './refusal.ts'

const SIDECAR: Fields<SidecarIntent> = sidecarFields('dropped')
const AMBIENT: Fields<AmbientIntent> = ambientFields('dropped')

/** Settings of a written configuration, by the names that people know from Istio's own. */
const SETTINGS: Readonly<Record<string, keyof typeof SIDECAR>> = {
  proxyPort: 'outboundPort',
  inboundCapturePort: 'inboundPort',
  inboundTunnelPort: 'tunnelPort',
  proxyUid: 'proxyUids',
  proxyGid: 'proxyGids',
  interceptionMode: 'interception',
  tproxyMark: 'tproxyMark',
  tproxyRouteTable: 'tproxyTable',
  inboundPortsInclude: 'inboundPorts',
  inboundPortsExclude: 'inboundPortsExcluded',
  outboundCidrsInclude: 'outboundCidrs',
  outboundCidrsExclude: 'outboundCidrsExcluded',
  outboundPortsInclude: 'outboundPorts',
  outboundPortsExclude: 'outboundPortsExcluded',
  ownerGroupsInclude: 'ownerGroups',
  ownerGroupsExclude: 'ownerGroupsExcluded',
  rerouteVirtualInterfaces: 'virtualInterfaces',
  excludeInterfaces: 'excludedInterfaces',
  dropInvalid: 'dropInvalid',
  dualStack: 'dualStack',
  hostIpv4LoopbackCidr: 'loopback',
}

/** Is this the name of a setting of a written configuration? */
export function isSetting(key: string): boolean {
  return Object.hasOwn(SETTINGS, key) || SWITCHES.includes(key)
}

const SWITCHES: readonly string[] = ['redirectDns', 'captureAllDns', 'dnsServersV4', 'dnsServersV6', 'ipv6']

/** The intent that a configuration of sidecar redirection says; what it leaves out is as Istio's tool has it. */
export function intentOfConfiguration(configuration: JsonObject): IntentResult {
  return readIntent(() => {
    const said = Object.entries(SETTINGS).map(([key, name]) => {
      const text = textOf(configuration[key])
      // no mode is the first one, as for Istio's tool
      const unsaid = text === undefined || (name === 'interception' && text === '')
      return unsaid ? {} : readField(SIDECAR, name, text, key)
    })
    const servers = ['dnsServersV4', 'dnsServersV6'].flatMap((key) => textOf(configuration[key]) ?? []).join(',')
    const dns =
      configuration['redirectDns'] !== true ? 'off' : configuration['captureAllDns'] === true ? 'all' : 'resolvers'
    const base: SidecarIntent = { ...BARE_SIDECAR, dns, dnsPolicy: 'none' }
    return Object.assign({}, base, readField(SIDECAR, 'dnsServers', servers, 'dnsServers'), ...said) as SidecarIntent
  })
}

/** The intent that a configuration says for one ambient pod: `ingressMode`, `virtualInterfaces`, `dnsProxy`. */
export function ambientIntentOfConfiguration(pod: JsonObject): IntentResult {
  return readIntent(() => {
    const interfaces = textOf(pod['virtualInterfaces']) ?? ''
    const dns = DNS.get(stringOr(pod['dnsProxy']) ?? '') ?? 'node'
    const base: AmbientIntent = { ...PLAIN_AMBIENT, ingress: pod['ingressMode'] === true, dns }
    return { ...base, ...readField(AMBIENT, 'virtualInterfaces', interfaces, 'virtualInterfaces') }
  })
}

const DNS: ReadonlyMap<string, AmbientIntent['dns']> = new Map([
  ['enabled', 'on'],
  ['disabled', 'off'],
])

/** Lists are texts with commas, or lists of texts. */
function textOf(value: unknown): string | undefined {
  if (isList(value)) return value.filter((item) => typeof item === 'string').join(',')
  return typeof value === 'string'
    ? value
    : typeof value === 'boolean' || typeof value === 'number'
      ? String(value)
      : undefined
}
