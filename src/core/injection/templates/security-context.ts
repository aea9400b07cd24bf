import type { JsonObject } from '../../json/value.ts'
import { objectOr } from '../../json/value.ts'
import { annotation } from '../pod-parts.ts'
import { DEFAULT_ID } from '../proxy-ids.ts'
import { present, unlessBare } from './present.ts'
import type { TemplateInput } from './template.ts'

/** The rights of `istio-init`, which writes the rules: root with NET_ADMIN and NET_RAW, and nothing else. */
export function initSecurity(input: TemplateInput): JsonObject {
  return securityContext(input, {
    ...privilege(input),
    capabilities: { add: ['NET_ADMIN', 'NET_RAW'], drop: ['ALL'] },
    readOnlyRootFilesystem: false,
    ...identity(0, 0),
  })
}

/** The rights of `istio-validation`, which only looks: none. */
export function validationSecurity(input: TemplateInput, isTproxy: boolean): JsonObject {
  return securityContext(input, {
    ...privilege(input),
    capabilities: { drop: ['ALL'] },
    readOnlyRootFilesystem: true,
    ...(isTproxy ? identity(DEFAULT_ID, DEFAULT_ID) : identity(input.ids.uid, input.ids.gid)),
  })
}

/** The rights of the proxy: none, unless rule tracing, TPROXY or low ports ask for some (injector.md §9). */
export function proxySecurity(input: TemplateInput, isTproxy: boolean): JsonObject {
  return securityContext(input, { ...proxyRights(input, isTproxy), readOnlyRootFilesystem: true })
}

function proxyRights(input: TemplateInput, isTproxy: boolean): JsonObject {
  const { uid, gid } = input.ids
  if (objectOr(input.proxyConfig['proxyMetadata'])['IPTABLES_TRACE_LOGGING'] === 'true') {
    const capabilities = { add: ['NET_ADMIN'], drop: ['ALL'] }
    return { allowPrivilegeEscalation: true, privileged: true, capabilities, ...identity(0, gid) }
  }
  const bindsLowPorts = asksForLowPorts(input)
  const add = [...(isTproxy ? ['NET_ADMIN'] : []), ...(bindsLowPorts ? ['NET_BIND_SERVICE'] : [])]
  if (add.length > 0) {
    return { ...privilege(input), capabilities: { add, drop: ['ALL'] }, ...identity(0, DEFAULT_ID) }
  }
  return { ...privilege(input), capabilities: { drop: ['ALL'] }, ...identity(uid, gid) }
}

/** Does the proxy bind ports below 1024? */
export function asksForLowPorts(input: TemplateInput): boolean {
  const { capNetBindService } = input.context.settings.injectorValues.global.proxy
  return (annotation(input.pod, 'sidecar.istio.io/capNetBindService') ?? capNetBindService) === 'true'
}

function securityContext(input: TemplateInput, rights: JsonObject): JsonObject {
  const { seccompProfile } = input.context.settings.injectorValues.global.proxy
  return present({ ...rights, seccompProfile: unlessBare(seccompProfile) })
}

function privilege(input: TemplateInput): JsonObject {
  const { privileged } = input.context.settings.injectorValues.global.proxy
  return { allowPrivilegeEscalation: privileged, privileged }
}

function identity(user: number, group: number): JsonObject {
  return { runAsUser: user, runAsGroup: group, runAsNonRoot: user !== 0 }
}
