import { containersOf } from '../json/pod.ts'
import type { JsonObject } from '../json/value.ts'
import { isList, objectOr } from '../json/value.ts'

/** Names of the containers of `after` that hold NET_ADMIN and did not in `before`: what was granted in between. */
export function netAdminAdded(before: JsonObject, after: JsonObject): readonly string[] {
  const names = (pod: JsonObject): readonly string[] => netAdminHolders(pod).map(({ name }) => name)
  const held = new Set(names(before))
  return names(after).filter((name) => !held.has(name))
}

/** A container that holds NET_ADMIN, and by which field. */
export interface NetAdminHolder {
  readonly name: string
  readonly how: 'privileged' | 'NET_ADMIN' | 'ALL'
}

/** Every container of `pod` that holds NET_ADMIN. */
export function netAdminHolders(pod: JsonObject): readonly NetAdminHolder[] {
  return containersOf(pod).flatMap(({ name, container }) => {
    const how = netAdminBy(objectOr(container['securityContext']))
    return how === undefined ? [] : [{ name, how }]
  })
}

/** `ALL` contains it, and so does `privileged`, whatever else is listed; the runtime also takes the CAP_ spelling. */
const NET_ADMIN = { NET_ADMIN: 'NET_ADMIN', CAP_NET_ADMIN: 'NET_ADMIN', ALL: 'ALL' } as const

function netAdminBy(securityContext: JsonObject): NetAdminHolder['how'] | undefined {
  if (securityContext['privileged'] === true) return 'privileged'
  const added = objectOr(securityContext['capabilities'])['add']
  const names = isList(added) ? added.flatMap((name) => (typeof name === 'string' ? [name.toUpperCase()] : [])) : []
  return Object.entries(NET_ADMIN).find(([name]) => names.includes(name))?.[1]
}
