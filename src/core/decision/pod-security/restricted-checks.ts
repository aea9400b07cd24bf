import { specOf } from '../../json/pod.ts'
import type { JsonObject } from '../../json/value.ts'
import { isList, objectOr, objectsOf, stringOr } from '../../json/value.ts'
import type { Check, Finding } from './check.ts'
import { badOf, found, inContainers, inContexts, isSet, podContext, profileType } from './check.ts'

const PROFILES = ['RuntimeDefault', 'Localhost']
const VOLUME_SOURCES = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'image',
  'persistentVolumeClaim',
  'projected',
  'secret',
]

/** What the level `restricted` asks beyond `baseline`. */
export const RESTRICTED_CHECKS: readonly Check[] = [
  { id: 'restrictedVolumes', replaces: 'hostPathVolumes', find: volumes },
  { id: 'allowPrivilegeEscalation', find: (pod) => inContainers(pod, privilegeEscalation) },
  { id: 'runAsNonRoot', find: nonRoot },
  {
    id: 'runAsUser',
    find: (pod) => inContexts(pod, (context) => (context['runAsUser'] === 0 ? 'runAsUser=0' : undefined)),
  },
  { id: 'seccompProfile_restricted', replaces: 'seccompProfile_baseline', find: seccomp },
  { id: 'capabilities_restricted', replaces: 'capabilities_baseline', find: (pod) => inContainers(pod, capabilities) },
]

/** A volume without any source becomes an emptyDir before Pod Security sees it. */
function volumes(pod: JsonObject): readonly Finding[] {
  return objectsOf(specOf(pod)['volumes']).flatMap((volume) => {
    const sources = Object.keys(volume).filter((key) => key !== 'name' && isSet(volume[key]))
    const allowed = sources.length === 0 || sources.some((source) => VOLUME_SOURCES.includes(source))
    return found(`volume ${stringOr(volume['name']) ?? ''}`, allowed ? undefined : sources.join(', '))
  })
}

function privilegeEscalation(container: JsonObject): string | undefined {
  const value = objectOr(container['securityContext'])['allowPrivilegeEscalation']
  return value === false ? undefined : 'allowPrivilegeEscalation is not false'
}

/** The pod may say it for all its containers; a container that says otherwise is wrong in any case. */
function nonRoot(pod: JsonObject): readonly Finding[] {
  const forAll = podContext(pod)['runAsNonRoot']
  return [
    ...found('pod', forAll === false ? 'runAsNonRoot=false' : undefined),
    ...inContainers(pod, (container) => {
      const own = objectOr(container['securityContext'])['runAsNonRoot']
      if (isSet(own)) return own === true ? undefined : 'runAsNonRoot=false'
      return forAll === true ? undefined : 'runAsNonRoot is not true'
    }),
  ]
}

function seccomp(pod: JsonObject): readonly Finding[] {
  const forAll = profileType(podContext(pod)['seccompProfile'])
  return [
    ...found('pod', forAll === undefined || PROFILES.includes(forAll) ? undefined : `seccompProfile=${forAll}`),
    ...inContainers(pod, (container) => {
      const own = profileType(objectOr(container['securityContext'])['seccompProfile'])
      if (own !== undefined) return PROFILES.includes(own) ? undefined : `seccompProfile=${own}`
      return forAll !== undefined && PROFILES.includes(forAll) ? undefined : 'seccompProfile is not set'
    }),
  ]
}

function capabilities(container: JsonObject): string | undefined {
  const own = objectOr(objectOr(container['securityContext'])['capabilities'])
  const added = badOf(own['add'], 'capabilities.add', (name) => name !== 'NET_BIND_SERVICE')
  const dropped = isList(own['drop']) && own['drop'].includes('ALL') ? undefined : 'capabilities.drop lacks ALL'
  const said = [added, dropped].filter((text) => text !== undefined)
  return said.length === 0 ? undefined : said.join(', ')
}
