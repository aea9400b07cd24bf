import { containersOf } from '../json/pod.ts'
import type { JsonObject } from '../json/value.ts'
import { isList, objectOr } from '../json/value.ts'

/** Names of the containers of `after` that hold NET_ADMIN and did not in `before`: what was granted in between. */
export function netAdminAdded(before: JsonObject, after: JsonObject): readonly string[] {
  const held = new Set(netAdminHolders(before))
  return netAdminHolders(after).filter((name) => !held.has(name))
}

function netAdminHolders(pod: JsonObject): readonly string[] {
  return containersOf(pod)
    .filter(({ container }) => holdsNetAdmin(objectOr(container['securityContext'])))
    .map(({ name }) => name)
}

/** `ALL` contains it, and so does `privileged`, whatever else is listed; the runtime also takes the CAP_ spelling. */
const NET_ADMIN = ['NET_ADMIN', 'CAP_NET_ADMIN', 'ALL']

function holdsNetAdmin(securityContext: JsonObject): boolean {
  if (securityContext['privileged'] === true) return true
  const added = objectOr(securityContext['capabilities'])['add']
  return isList(added) && added.some((name) => typeof name === 'string' && NET_ADMIN.includes(name.toUpperCase()))
}
