import type { JsonObject } from '../json/value.ts'
import { objectOr } from '../json/value.ts'
import { CONTAINERS } from '../vocabulary/names.ts'
import type { Step } from './draft.ts'
import { authorsPod } from './merge/previous-injection.ts'
import { containersOf, LISTS, mapContainers } from './pod-parts.ts'

/**
 * Gives each injected container the runtime's seccomp profile where the namespace enforces Pod Security `restricted`,
 * which would refuse the pod for want of nothing else (quirk 5). What the user or the settings chose stays.
 */
export const SECCOMP_DEFAULT: Step = {
  name: 'seccomp-default',
  follows: 'quirk 5',
  apply(draft, context) {
    if (!context.seccompDefault) return draft
    // a pod that comes again holds containers of ours: only its author's are his own
    const author = authorsPod(draft.original)
    const pod = LISTS.reduce((done, list) => {
      const own = new Set(containersOf(author, list).map((container) => container['name']))
      const said = new Set(containersOf(draft.said, list).map((container) => container['name']))
      const isInjected = ({ name }: JsonObject): boolean =>
        said.has(name) && (name === CONTAINERS.proxy || !own.has(name))
      return mapContainers(done, list, (container) => (isInjected(container) ? withProfile(container) : container))
    }, draft.pod)
    return { ...draft, pod }
  },
}

function withProfile(container: JsonObject): JsonObject {
  const security = objectOr(container['securityContext'])
  if (security['seccompProfile'] !== undefined) return container
  return { ...container, securityContext: { ...security, seccompProfile: { type: 'RuntimeDefault' } } }
}
