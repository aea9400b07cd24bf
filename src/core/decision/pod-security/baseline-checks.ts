import { annotationsOf, specOf } from '../../json/pod.ts'
import type { Json, JsonObject } from '../../json/value.ts'
import { objectOr, objectsOf, stringOr } from '../../json/value.ts'
import type { Check, Finding } from './check.ts'
import { badOf, found, inContainers, inContexts, isSet, podContext, profileType } from './check.ts'

const CAPABILITIES = new Set(
  'AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT'.split(
    ' ',
  ),
)
const PROFILES = ['RuntimeDefault', 'Localhost']
const SELINUX_TYPES = ['', 'container_t', 'container_init_t', 'container_kvm_t']
/** those of 1.30; later versions allow more */
const SYSCTLS = new Set([
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ping_group_range',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_syncookies',
])
const APPARMOR_ANNOTATION = 'container.apparmor.security.beta.kubernetes.io/'
const HOST_NAMESPACES = ['hostNetwork', 'hostPID', 'hostIPC']
const PROBES = ['livenessProbe', 'readinessProbe', 'startupProbe']
const HOOKS = ['postStart', 'preStop']

/** The level `baseline`, in the order of the Pod Security Standards, less what concerns Windows. */
export const BASELINE_CHECKS: readonly Check[] = [
  { id: 'hostNamespaces', find: (pod) => found('pod', named(HOST_NAMESPACES, specOf(pod))) },
  { id: 'privileged', find: (pod) => inContainers(pod, privileged) },
  { id: 'capabilities_baseline', find: (pod) => inContainers(pod, capabilities) },
  { id: 'hostPathVolumes', find: hostPaths },
  { id: 'hostPorts', find: (pod) => inContainers(pod, hostPorts) },
  { id: 'hostProbesAndHostLifecycle', find: (pod) => inContainers(pod, hostHandlers) },
  { id: 'appArmorProfile', find: (pod) => [...inContexts(pod, appArmor), ...appArmorAnnotations(pod)] },
  { id: 'seLinuxOptions', find: (pod) => inContexts(pod, seLinux) },
  { id: 'procMount', find: (pod) => inContainers(pod, procMount) },
  { id: 'seccompProfile_baseline', find: (pod) => inContexts(pod, seccomp) },
  { id: 'sysctls', find: (pod) => found('pod', sysctls(pod)) },
]

function named(fields: readonly string[], object: JsonObject): string | undefined {
  const on = fields.filter((field) => object[field] === true)
  return on.length === 0 ? undefined : on.join(', ')
}

function privileged(container: JsonObject): string | undefined {
  return named(['privileged'], objectOr(container['securityContext']))
}

function capabilities(container: JsonObject): string | undefined {
  const added = objectOr(objectOr(container['securityContext'])['capabilities'])['add']
  return badOf(added, 'capabilities.add', (name) => !CAPABILITIES.has(name))
}

function hostPaths(pod: JsonObject): readonly Finding[] {
  return objectsOf(specOf(pod)['volumes'])
    .filter((volume) => isSet(volume['hostPath']))
    .map((volume) => ({ subject: `volume ${stringOr(volume['name']) ?? ''}`, detail: 'hostPath' }))
}

function hostPorts(container: JsonObject): string | undefined {
  const ports = objectsOf(container['ports']).map((port) => port['hostPort'])
  const bad = ports.filter((port) => isSet(port) && port !== 0)
  return bad.length === 0 ? undefined : `hostPort=${bad.map((port) => JSON.stringify(port)).join(',')}`
}

/** Since 1.34: a probe or hook may not be sent to another host than the pod. */
function hostHandlers(container: JsonObject): string | undefined {
  const hooks = objectOr(container['lifecycle'])
  const bad = [...PROBES, ...HOOKS].filter((field) => {
    const handler = objectOr(PROBES.includes(field) ? container[field] : hooks[field])
    return [handler['httpGet'], handler['tcpSocket']].some((action) => hasText(objectOr(action)['host']))
  })
  return bad.length === 0 ? undefined : `host in ${bad.join(', ')}`
}

function hasText(value: Json | undefined): boolean {
  return isSet(value) && value !== ''
}

function appArmor(context: JsonObject): string | undefined {
  return badProfile('appArmorProfile', context)
}

function appArmorAnnotations(pod: JsonObject): readonly Finding[] {
  const bad = Object.entries(annotationsOf(pod)).filter(
    ([key, value]) =>
      key.startsWith(APPARMOR_ANNOTATION) &&
      !(value === '' || value === 'runtime/default' || value.startsWith('localhost/')),
  )
  return bad.map(([key]) => ({ subject: 'pod', detail: `annotation ${key}` }))
}

function seccomp(context: JsonObject): string | undefined {
  return badProfile('seccompProfile', context)
}

function badProfile(field: string, context: JsonObject): string | undefined {
  const type = profileType(context[field])
  return type === undefined || PROFILES.includes(type) ? undefined : `${field}=${type}`
}

function seLinux(context: JsonObject): string | undefined {
  const options = objectOr(context['seLinuxOptions'])
  const bad = ['user', 'role'].filter((field) => hasText(options[field]))
  if (!SELINUX_TYPES.includes(stringOr(options['type']) ?? '')) bad.push('type')
  return bad.length === 0 ? undefined : `seLinuxOptions.${bad.join(', ')}`
}

function procMount(container: JsonObject): string | undefined {
  const value = objectOr(container['securityContext'])['procMount']
  return !isSet(value) || value === 'Default' ? undefined : 'procMount'
}

function sysctls(pod: JsonObject): string | undefined {
  const names = objectsOf(podContext(pod)['sysctls']).map((sysctl) => sysctl['name'] ?? null)
  return badOf(names, 'sysctls', (name) => !SYSCTLS.has(name))
}
