import type { JsonObject } from '../../json/value.ts'
import { annotation } from '../pod-parts.ts'
import { CONTAINERS } from '../../vocabulary/names.ts'
import { DEFAULT_ID } from '../proxy-ids.ts'
import { initImage } from './images.ts'
import { present, unlessBlank, unlessEmpty } from './present.ts'
import { metadataEnv } from './proxy-env.ts'
import { resourcesOf } from './resources.ts'
import { initSecurity, validationSecurity } from './security-context.ts'
import type { TemplateInput } from './template.ts'
import type { Traffic } from './traffic.ts'

/** Ports of the proxy itself, which are never redirected (quirk 36). */
const NEVER_REDIRECTED = '15090,15021'

/** The init container that redirects the pod's traffic (`init`) or checks that the node did (`cni`); none in mode NONE. */
export function initContainer(input: TemplateInput, traffic: Traffic): JsonObject | undefined {
  if (traffic.mode === 'NONE') return undefined
  const isTproxy = traffic.mode === 'TPROXY'
  const isCni = input.context.mode === 'cni'
  return present({
    name: isCni ? CONTAINERS.validation : CONTAINERS.init,
    image: initImage(input),
    imagePullPolicy: unlessBlank(input.context.settings.injectorValues.global.imagePullPolicy),
    args: argumentsOf(input, traffic, isTproxy ? DEFAULT_ID : input.ids.uid),
    env: unlessEmpty(metadataEnv(input)),
    resources: resourcesOf(input),
    securityContext: isCni ? validationSecurity(input, isTproxy) : initSecurity(input),
  })
}

function argumentsOf(input: TemplateInput, traffic: Traffic, exemptUser: number): readonly string[] {
  const { settings, mode } = input.context
  const { global } = settings.injectorValues
  const isCni = mode === 'cni'
  const excluded = traffic.excludeInboundPorts
  const agentLevel = annotation(input.pod, 'sidecar.istio.io/agentLogLevel') ?? global.logging.level
  return [
    'istio-iptables',
    ...['-p', String(settings.meshFields.proxyListenPort)],
    ...['-z', String(settings.meshFields.proxyInboundListenPort)],
    ...['-u', String(exemptUser)],
    ...['-m', traffic.mode],
    ...['-i', traffic.includeOutboundIPRanges],
    ...['-x', traffic.excludeOutboundIPRanges],
    ...['-b', traffic.includeInboundPorts],
    ...['-d', excluded === '' ? NEVER_REDIRECTED : `${NEVER_REDIRECTED},${excluded}`],
    ...option('-q', traffic.includeOutboundPorts),
    ...option('-o', traffic.excludeOutboundPorts),
    ...option('-k', traffic.virtualInterfaces),
    ...option('-c', traffic.excludeInterfaces),
    `--log_output_level=${agentLevel}`,
    ...(global.logAsJson ? ['--log_as_json'] : []),
    ...(isCni ? ['--run-validation', '--skip-rule-apply'] : []),
    ...(!isCni && global.proxy_init.forceApplyIptables ? ['--force-apply'] : []),
    ...(global.nativeNftables ? ['--native-nftables'] : []),
  ]
}

function option(flag: string, value: string | undefined): readonly string[] {
  return value === undefined ? [] : [flag, value]
}
