import { isList, type Json, type JsonObject, objectOr, stringOr } from '../../json/value.ts'
import { CONTAINERS } from '../../vocabulary/names.ts'
import type { Reason } from '../../vocabulary/reasons.ts'
import type { Draft, Step } from '../draft.ts'
import { containersOf, LISTS, withList } from '../pod-parts.ts'
import { authorsPod } from './previous-injection.ts'

/**
 * Where the author gave the proxy another user, the rules must exempt that user, and the container that checks them runs
 * as it too (injector.md §8, "Users and -u"). The mode is the resolved one, not a guess from two sources (quirk 4).
 */
export const PROXY_USER: Step = {
  name: 'proxy-user',
  follows: 'injector.md §8, "Users and -u"; quirk 4',
  apply: (draft) => {
    const context = objectOr(authorsProxy(draft.original)['securityContext'])
    const user = context['runAsUser']
    const group = context['runAsGroup']
    const guard = guardOf(draft.pod)
    if (guard === undefined || (user === undefined && group === undefined)) return draft
    const tproxy = isTproxy(draft)
    let pod = draft.pod
    if (tproxy && user !== undefined)
      pod = editContainer(pod, CONTAINERS.proxy, (container) => withUser(container, 0, undefined))
    if (!tproxy && guard === CONTAINERS.validation)
      pod = editContainer(pod, guard, (container) => withUser(container, user, group))
    if (user !== undefined && user !== 0)
      pod = editContainer(pod, guard, (container) => withExemptUser(container, user))
    return { ...draft, pod, warnings: [...draft.warnings, ...warnings(tproxy, user)] }
  },
}

function warnings(tproxy: boolean, user: Json | undefined): readonly Reason[] {
  if (user === undefined) return []
  if (tproxy) return [{ code: 'tproxy_user_ignored', args: { user: JSON.stringify(user) } }]
  return user === 0 ? [{ code: 'proxy_user_root', args: {} }] : []
}

function authorsProxy(original: JsonObject): JsonObject {
  const bare = authorsPod(original)
  return (
    LISTS.flatMap((list) => containersOf(bare, list)).find((container) => container['name'] === CONTAINERS.proxy) ?? {}
  )
}

function guardOf(pod: JsonObject): string | undefined {
  const names = containersOf(pod, 'initContainers').map((container) => container['name'])
  return [CONTAINERS.init, CONTAINERS.validation].find((name) => names.includes(name))
}

function isTproxy(draft: Draft): boolean {
  const asked = stringOr(
    objectOr(objectOr(draft.original['metadata'])['annotations'])['sidecar.istio.io/interceptionMode'],
  )
  return (asked ?? draft.proxyConfig['interceptionMode']) === 'TPROXY'
}

function editContainer(pod: JsonObject, name: string, edit: (container: JsonObject) => JsonObject): JsonObject {
  return LISTS.reduce((soFar, list) => {
    const containers = containersOf(soFar, list)
    if (!containers.some((container) => container['name'] === name)) return soFar
    return withList(
      soFar,
      list,
      containers.map((container) => (container['name'] === name ? edit(container) : container)),
    )
  }, pod)
}

function withUser(container: JsonObject, user: Json | undefined, group: Json | undefined): JsonObject {
  const context = objectOr(container['securityContext'])
  return {
    ...container,
    securityContext: {
      ...context,
      ...(user === undefined ? {} : { runAsUser: user }),
      ...(group === undefined ? {} : { runAsGroup: group }),
    },
  }
}

function withExemptUser(container: JsonObject, user: Json): JsonObject {
  const args = isList(container['args']) ? container['args'] : []
  const at = args.indexOf('-u') + 1
  return at === 0
    ? container
    : { ...container, args: args.map((arg, index) => (index === at ? JSON.stringify(user) : arg)) }
}
