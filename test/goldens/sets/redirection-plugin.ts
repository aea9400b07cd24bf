import { intentOnNode } from '../../../src/core/intent/enrolment.ts'
import { type Fields, readField, sidecarFields } from '../../../src/core/intent/fields.ts'
import type { SidecarIntent } from '../../../src/core/intent/intent.ts'
import {
  isList,
  type Json,
  type JsonObject,
  objectOr,
  objectsOf,
  stringMap,
  stringOr,
} from '../../../src/core/json/value.ts'
import { IPTABLES } from '../../../src/core/redirection/iptables.ts'
import { NFTABLES } from '../../../src/core/redirection/nftables.ts'
import { familiesOf } from '../../../src/core/redirection/pod-network.ts'
import { sidecarRules } from '../../../src/core/redirection/sidecar.ts'
import { type Reason, sentence } from '../../../src/core/vocabulary/reasons.ts'

/** Istio's words for the first check that left a pod alone. */
const SKIPS: Partial<Readonly<Record<Reason['code'], string>>> = {
  rules_by_init_container: 'has-istio-init',
  envoy_disabled: 'disable-envoy',
  proxy_absent: 'no-istio-proxy',
  proxy_not_sidecar: 'proxy-type',
  injection_opted_out: 'inject-disabled',
  status_absent: 'no-status-annotation',
  namespace_excluded: 'namespace-excluded',
  interception_none: 'interception-none',
}

const FIELDS = sidecarFields('refused')

/** Istio's arguments, and which field each is. */
const ARGUMENTS: Readonly<Record<string, keyof typeof FIELDS>> = {
  targetPort: 'outboundPort',
  redirectMode: 'interception',
  noRedirectUID: 'proxyUids',
  noRedirectGID: 'proxyGids',
  includeIPCidrs: 'outboundCidrs',
  excludeIPCidrs: 'outboundCidrsExcluded',
  includeInboundPorts: 'inboundPorts',
  excludeInboundPorts: 'inboundPortsExcluded',
  includeOutboundPorts: 'outboundPorts',
  excludeOutboundPorts: 'outboundPortsExcluded',
  excludeInterfaces: 'excludedInterfaces',
  rerouteVirtualInterfaces: 'virtualInterfaces',
}

/** What the node does with the pod of a case. */
export function onNode(input: JsonObject): Json {
  const result = intentOnNode(podOf(input), {
    namespace: stringOr(input['podNamespace']) ?? '',
    namespaceLabels: stringMap(input['namespaceLabels']),
    excludedNamespaces: texts(input['excludeNamespaces']),
    ambient: input['ambientEnabled'] === true,
  })
  if (result.is === 'skip') return { action: 'skip', skipReason: SKIPS[result.reason.code] ?? result.reason.code }
  if (result.is === 'refused') return { action: 'error', message: sentence(result.reason) }
  const { intent } = result
  if (intent.kind !== 'sidecar') return { action: intent.kind }
  const network = familiesOf(texts(input['localIPs']))
  if (network.is === 'refused') return { action: 'error', message: sentence(network.reason) }
  const model = sidecarRules(intent, { families: network.families, resolvers: null })
  const { v4, v6 } = IPTABLES.render(model)
  return {
    action: 'redirect',
    arguments: argumentsOf(intent),
    iptables: { v4, v6 },
    nftables: NFTABLES.render(model).text,
  }
}

function argumentsOf(intent: SidecarIntent): JsonObject {
  return {
    ...Object.fromEntries(Object.entries(ARGUMENTS).map(([argument, name]) => [argument, print(FIELDS, intent, name)])),
    dnsRedirect: intent.dns !== 'off',
    dualStack: intent.dualStack,
    invalidDrop: intent.dropInvalid,
  }
}

/** Istio's arguments as it writes them, in the spelling of the product: `10.0.0.1/8` is `10.0.0.0/8`, a port has no zeros in front. */
export function plainArguments(said: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(said).map(([argument, value]) => {
      const name = Object.hasOwn(ARGUMENTS, argument) ? ARGUMENTS[argument] : undefined
      return [argument, name === undefined || typeof value !== 'string' ? value : respelt(FIELDS, name, value)]
    }),
  )
}

function respelt<T>(fields: Fields<T>, name: keyof Fields<T>, text: string): string {
  const { [name]: value } = readField(fields, name, text, '') as T
  return fields[name].print(value)
}

function print<T>(fields: Fields<T>, value: T, name: keyof Fields<T>): string {
  return fields[name].print(value[name])
}

/** The pod of a case as the API server would have it. */
function podOf(input: JsonObject): JsonObject {
  const { annotations, labels, hostNetwork, initContainers, containers } = objectOr(input['pod'])
  return {
    metadata: { annotations, labels },
    spec: {
      hostNetwork,
      initContainers: objectsOf(initContainers).map(container),
      containers: objectsOf(containers).map(container),
    },
  }
}

function container({ env, runAsUser, runAsGroup, ...rest }: JsonObject): JsonObject {
  return {
    ...rest,
    env: Object.entries(objectOr(env)).map(([name, value]) => ({ name, value })),
    securityContext: { runAsUser, runAsGroup },
  }
}

function texts(value: unknown): readonly string[] {
  return isList(value) ? value.filter((one) => typeof one === 'string') : []
}
