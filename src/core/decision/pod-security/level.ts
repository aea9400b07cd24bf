import { specOf } from '../../json/pod.ts'
import type { JsonObject } from '../../json/value.ts'
import type { Policy } from '../../settings/policy.ts'
import type { PodSecurityLevel } from '../../vocabulary/pod-security-levels.ts'
import { POD_SECURITY_LEVELS } from '../../vocabulary/pod-security-levels.ts'
import { KUBERNETES_NAMES } from '../../vocabulary/names.ts'
import type { NamespaceFacts } from '../facts.ts'

/**
 * The Pod Security level that the API server enforces on a pod: the namespace's label, else the policy's default level;
 * `privileged` where the policy names an exemption. A label that is no level counts as `restricted`, as in Kubernetes.
 * Default level and exemptions stand in the API server's own files, which no API tells: hence in the policy.
 */
export function enforcedLevel(pod: JsonObject, namespace: NamespaceFacts, { podSecurity }: Policy): PodSecurityLevel {
  const runtimeClass = specOf(pod)['runtimeClassName']
  if (podSecurity.exemptNamespaces.includes(namespace.name)) return 'privileged'
  if (typeof runtimeClass === 'string' && podSecurity.exemptRuntimeClasses.includes(runtimeClass)) return 'privileged'
  const label = namespace.labels[KUBERNETES_NAMES.podSecurityEnforce]
  if (label === undefined) return podSecurity.defaultLevel
  return POD_SECURITY_LEVELS.find((level) => level === label) ?? 'restricted'
}
