import { Agent } from 'node:https'
import type { ApiServer } from '../../scripts/cluster/api-server.ts'
import { type JsonObject, objectOr, stringOr } from '../../src/core/json/value.ts'
import { rolesOf } from '../../src/core/registration/roles.ts'
import type { Right } from '../../src/core/vocabulary/rights.ts'
import type { Connection } from '../../src/edge/cluster/connection.ts'
import { eachOf, type Installed } from './replicas.ts'
import { until } from './until.ts'

const NAMESPACES = { sluice: 'sluice-system', istio: 'istio-system' } as const
const OF_ACCOUNTS = { resource: { group: '', version: 'v1', plural: 'serviceaccounts' }, namespace: NAMESPACES.sluice }
const REVIEWS = { resource: { group: 'authorization.k8s.io', version: 'v1', plural: 'subjectaccessreviews' } }

/** One verb of one row of a table of rights. */
export interface Lost {
  readonly right: Right
  readonly verb: string
}

/** Every verb of every row, one at a time. */
export function eachVerb(rights: readonly Right[]): readonly Lost[] {
  return rights.flatMap((right) => right.verbs.map((verb) => ({ right, verb })))
}

/** The row without the verb; nothing where it has no other. */
export function without(rights: readonly Right[], { right, verb }: Lost): readonly Right[] {
  return rights.flatMap((each) => {
    if (each !== right) return [each]
    const verbs = each.verbs.filter((one) => one !== verb)
    return verbs.length === 0 ? [] : [{ ...each, verbs }]
  })
}

/**
 * Makes a service account `name` in Sluice's namespace with these rights, and waits until they hold. Gives how it reaches the
 * API server.
 */
export async function accountWith(installed: Installed, name: string, rights: readonly Right[]): Promise<Connection> {
  const { admin } = installed
  const account = { namespace: NAMESPACES.sluice, name }
  const conditions = ['always', 'leader', 'ca-secret'] as const
  const roles = rolesOf(rights, { name, account, namespaces: NAMESPACES, suffix: '', conditions })
  await admin.create(OF_ACCOUNTS, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: account })
  await eachOf(roles, async (role) => await createRole(installed, role))
  const kept = [...new Map(rights.map((right) => [right.scope, right])).values()]
  for (const right of kept)
    await until(
      async () => await may(installed, name, { right, verb: right.verbs[0] ?? '' }),
      () => ({ waitsFor: right }),
    )
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 3600 } }
  const { status } = await admin.create({ ...OF_ACCOUNTS, name, subresource: 'token' }, request)
  return bearer(installed.api, stringOr(objectOr(status)['token']) ?? '')
}

/** May the account do that, by whatever rule? */
export async function may({ admin }: Installed, name: string, { right, verb }: Lost): Promise<boolean> {
  const [resource, subresource] = right.resource.split('/')
  const namespace = right.scope === 'cluster' ? undefined : NAMESPACES[right.scope]
  const asked = { verb, group: right.group, resource, subresource, namespace, name: right.names?.[0] }
  const spec = {
    user: `system:serviceaccount:${NAMESPACES.sluice}:${name}`,
    resourceAttributes: { ...asked, name: asked.name?.replace('{suffix}', '') },
  }
  const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec }
  return objectOr((await admin.create(REVIEWS, review))['status'])['allowed'] === true
}

async function createRole({ admin }: Installed, role: JsonObject): Promise<void> {
  const plural = `${(stringOr(role['kind']) ?? '').toLowerCase()}s`
  const namespace = stringOr(objectOr(role['metadata'])['namespace'])
  const resource = { group: 'rbac.authorization.k8s.io', version: 'v1', plural }
  await admin.create({ resource, ...(namespace === undefined ? {} : { namespace }) }, role)
}

/** How whoever holds `token` reaches the API server. */
export function bearer({ url, ca }: ApiServer, token: string): Connection {
  const agent = new Agent({ ca, keepAlive: true })
  return { server: url, options: () => Promise.resolve({ agent, headers: { authorization: `Bearer ${token}` } }) }
}
