import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ApiServer, createNamespace } from '../../scripts/cluster/api-server.ts'
import { kubeconfig } from '../../scripts/cluster/credentials.ts'
import { shipped } from '../../scripts/cluster/shipped.ts'
import { type JsonObject, objectOr } from '../../src/core/json/value.ts'
import { guardKeys } from '../../src/core/registration/guard-keys.ts'
import { rolesOf } from '../../src/core/registration/roles.ts'
import { parseInjectorConfig } from '../../src/core/settings/injector-config.ts'
import { parseInjectorValues } from '../../src/core/settings/injector-values.ts'
import { DEFAULT_POLICY } from '../../src/core/settings/policy.ts'
import { AGENT_RIGHTS } from '../../src/core/vocabulary/rights.ts'
import type { Connection } from '../../src/edge/cluster/connection.ts'
import { kubeconfigConnection } from '../../src/edge/cluster/kubeconfig.ts'
import { until } from './mesh.ts'

/** The policy's ConfigMap as it is when the leader of an ordinary installation has written the guard's keys. */
export function policyTold(): JsonObject {
  const [policy = {}] = shipped('policy')
  const told = guardKeys('default', DEFAULT_POLICY, parseInjectorConfig(undefined, parseInjectorValues({})))
  return { ...policy, data: { ...objectOr(policy['data']), ...told } }
}

/** Writes objects as they are; throws with kubectl's words. */
export async function applied(server: ApiServer, objects: readonly JsonObject[]): Promise<void> {
  const { code, stderr } = await server.kubectl(
    ['apply', '-f', '-'],
    JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
  )
  assert.equal(code, 0, stderr)
}

/** Puts the boundary into force, as manifests/ ships it. */
export async function boundary(server: ApiServer, names: readonly ('guard' | 'seal' | 'fence')[]): Promise<void> {
  await createNamespace(server, 'sluice-system')
  await applied(server, [policyTold(), ...names.flatMap(shipped)])
}

/** The account of the agent as `kubectl --as`, with every right there is: what stops it then is no lack of rights. */
export const AS_AGENT = ['--as=system:serviceaccount:sluice-system:sluice-agent', '--as-group=system:masters'] as const

/** Puts seal and fence into force, and waits until they are. */
export async function sealedAndFenced(server: ApiServer): Promise<void> {
  await boundary(server, ['seal', 'fence'])
  await createNamespace(server, 'boundary-probe')
  const spec = { containers: [{ name: 'app', image: 'registry.example/app:1' }] }
  await applied(server, [
    { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'probe', namespace: 'boundary-probe' }, spec },
  ])
  const probe = async (...args: readonly string[]): Promise<string> =>
    (await server.kubectl([...args, '-n', 'boundary-probe', '--dry-run=server'])).stderr
  await until('the seal is in force', async () =>
    (await probe('annotate', 'pod', 'probe', 'sluice-mesh.io/decided=none')).includes('sealed') ? true : undefined,
  )
  await until('the fence is in force', async () =>
    (await probe('delete', 'pod', 'probe', ...AS_AGENT)).includes('fence') ? true : undefined,
  )
}

/** A token of the agent's account, bound as given. */
export async function agentToken(server: ApiServer, ...bound: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await server.kubectl([
    ...['create', 'token', 'sluice-agent', '-n', 'sluice-system'],
    ...(bound.length === 0 ? [] : ['--bound-object-kind', bound[0] ?? '', '--bound-object-name', bound[1] ?? '']),
  ])
  assert.equal(code, 0, stderr)
  return stdout.trim()
}

const AGENT = { namespace: 'sluice-system', name: 'sluice-agent' }

/**
 * Puts seal and fence into force and the agent's pod `agent` on the node `node-1`; gives how that pod reaches the API server: by a
 * token of its own, and with the rights that are shipped.
 */
export async function agentInside(server: ApiServer): Promise<Connection> {
  await sealedAndFenced(server)
  const containers = [{ name: 'agent', image: 'registry.example/sluice:1' }]
  await applied(server, [
    { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-1' } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: AGENT },
    ...rolesOf(AGENT_RIGHTS, {
      ...{ name: 'agent', account: AGENT, suffix: '', conditions: ['always'] },
      namespaces: { sluice: 'sluice-system', istio: 'istio-system' },
    }),
    {
      ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'agent', namespace: AGENT.namespace } },
      spec: { nodeName: 'node-1', serviceAccountName: AGENT.name, containers },
    },
  ])
  const file = join(server.directory, 'agent.conf')
  writeFileSync(file, kubeconfig(server.url, server.ca, { token: await agentToken(server, 'Pod', 'agent') }))
  return await kubeconfigConnection({ file })
}

/** What the API server said about each object that it refused, by name. */
export function refusals(stderr: string): ReadonlyMap<string, string> {
  const found = [...stderr.matchAll(/^Error from server[^\n]*?: (?:[a-z.]+) "([^"]+)" is forbidden: (.*)$/gm)]
  return new Map(found.map(([, name = '', why = '']) => [name, why]))
}
