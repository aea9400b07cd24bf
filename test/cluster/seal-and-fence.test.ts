import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import {
  type ApiServer,
  type CommandResult,
  createNamespace,
  startApiServer,
} from '../../scripts/cluster/api-server.ts'
import { kubeconfig } from '../../scripts/cluster/credentials.ts'
import type { JsonObject } from '../../src/core/json/value.ts'
import { agentToken, applied, sealedAndFenced } from './boundary.ts'
import { until } from './mesh.ts'

const REDIRECTION = 'ambient.istio.io/redirection'
const ANSWER = {
  'sluice-mesh.io/decided': 'cni',
  'sluice-mesh.io/reason': 'cni_first',
  'sluice-mesh.io/intent': '{"v":1,"kind":"none"}',
  'sidecar.istio.io/status': '{"containers":["istio-proxy"]}',
}
const NODES = ['node-1', 'node-2']

let server: ApiServer
before(async () => {
  server = await startApiServer()
  await sealedAndFenced(server)
  await createNamespace(server, 'shop')
  await applied(server, [
    ...NODES.map((name) => ({ apiVersion: 'v1', kind: 'Node', metadata: { name } })),
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'sluice-agent', namespace: 'sluice-system' } },
    // far more than an agent is allowed: what stops it here is the fence alone
    ...role('agent', 'sluice-system:sluice-agent', [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }]),
    ...NODES.map((node) => pod('sluice-system', `agent-${node}`, node, {}, 'sluice-agent')),
    ...NODES.map((node) => pod('shop', `on-${node}`, node, ANSWER)),
    pod('shop', 'pending', undefined, ANSWER),
  ])
})
after(async () => await server.stop())

function pod(
  namespace: string,
  name: string,
  nodeName: string | undefined,
  annotations: Readonly<Record<string, string>>,
  serviceAccountName = 'default',
): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, annotations },
    spec: {
      serviceAccountName,
      containers: [{ name: 'app', image: 'registry.example/app:1' }],
      ...(nodeName !== undefined && { nodeName }),
    },
  }
}

function role(name: string, account: string, rules: readonly JsonObject[]): readonly JsonObject[] {
  const [namespace = '', accountName = ''] = account.split(':')
  return [
    { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name }, rules },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
      subjects: [{ kind: 'ServiceAccount', namespace, name: accountName }],
    },
  ]
}

async function asAdmin(args: readonly string[], input?: string): Promise<CommandResult> {
  return await server.kubectl(['-n', 'shop', ...args], input)
}

const condition = (type: string, status = 'True'): JsonObject => ({ status: { conditions: [{ type, status }] } })
const annotated = (annotations: Readonly<Record<string, string | null>>): JsonObject => ({ metadata: { annotations } })

function patching(name: string, patch: JsonObject, ...more: readonly string[]): readonly string[] {
  return ['patch', 'pod', name, '--type=strategic', '-p', JSON.stringify(patch), ...more]
}

async function refused(result: Promise<CommandResult>, code: string): Promise<void> {
  const { code: exit, stderr, stdout } = await result
  assert.equal(exit, 1, `it passed: ${stdout}`)
  assert.match(stderr, new RegExp(`denied request: sluice: ${code}: .*; to do: `))
}

async function passed(result: Promise<CommandResult>): Promise<void> {
  const { code, stderr } = await result
  assert.equal(code, 0, stderr)
}

describe('the seal', () => {
  for (const subresource of [[], ['--subresource=status']])
    for (const [what, changed] of [
      ['stripped', null],
      ['forged', 'none'],
    ] as const)
      for (const name of Object.keys(ANSWER))
        test(`${name} is not ${what} by an update of pods${subresource.length > 0 ? '/status' : ''}`, async () => {
          await refused(asAdmin(patching('on-node-1', annotated({ [name]: changed }), ...subresource)), 'answer_sealed')
        })

  test('an answer is not added to a pod that has none', async () => {
    await asAdmin(['create', '-f', '-'], JSON.stringify(pod('shop', 'unanswered', 'node-1', {})))
    for (const name of Object.keys(ANSWER))
      await refused(asAdmin(patching('unanswered', annotated({ [name]: '' }))), 'answer_sealed')
  })

  for (const [what, annotations, code] of [
    ['an answer', { 'sluice-mesh.io/decided': 'none' }, 'answer_sealed'],
    ['a status', { 'sidecar.istio.io/status': '{}' }, 'answer_sealed'],
    ['a redirection', { [REDIRECTION]: 'enabled' }, 'redirection_sealed'],
  ] as const)
    for (const path of ['pods/pending/binding', 'bindings'])
      test(`${what} is not carried into the pod by a Binding sent to ${path}`, async () => {
        await refused(asAdmin(create(path), JSON.stringify(bindingOf('pending', annotations))), code)
      })

  test('nobody but the agent of the node says that a pod is redirected', async () => {
    await refused(asAdmin(patching('on-node-1', annotated({ [REDIRECTION]: 'enabled' }))), 'redirection_sealed')
    await refused(
      asAdmin(patching('on-node-1', condition('sluice-mesh.io/redirected'), '--subresource=status')),
      'condition_sealed',
    )
    await refused(
      asAdmin(patching('on-node-1', condition('sluice-mesh.io/evict'), '--subresource=status')),
      'condition_sealed',
    )
  })

  test('the agent of the node says so, and the agent of another node does not', async () => {
    const [agent, other] = [await agentOf('Pod', 'node-1'), await agentOf('Pod', 'node-2')]
    for (const { patch, more } of Object.values(REPORTS)) await passed(agent(patching('on-node-1', patch, ...more)))
    const told = annotated({ [REDIRECTION]: 'enabled' })
    const { code, stderr } = await other(patching('on-node-1', told))
    assert.equal(code, 1)
    assert.match(stderr, /redirection_sealed|fence_other_node/, 'both refuse it, and the API server names one')
  })

  test('everything else about a pod changes as ever: labels, annotations, conditions, binding, deletion', async () => {
    await passed(asAdmin(['annotate', 'pod', 'on-node-1', 'example.com/mine=yes', 'sluice-mesh.io/mine=yes']))
    await passed(asAdmin(['label', 'pod', 'on-node-1', 'istio.io/dataplane-mode=none']))
    await passed(asAdmin(patching('on-node-1', condition('example.com/gate'), '--subresource=status')))
    await asAdmin(['create', '-f', '-'], JSON.stringify(pod('shop', 'bound', undefined, ANSWER)))
    await passed(asAdmin(create('pods/bound/binding'), JSON.stringify(bindingOf('bound', { 'example.com/by': 'x' }))))
    await passed(asAdmin(['debug', 'on-node-1', '--image=registry.example/debug:1', '--profile=general', '--quiet']))
    await passed(asAdmin(['delete', 'pod', 'bound', '--wait=false']))
  })
})

const create = (path: string): readonly string[] => ['create', '--raw', `/api/v1/namespaces/shop/${path}`, '-f', '-']

function bindingOf(name: string, annotations: Readonly<Record<string, string>>): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: { name, namespace: 'shop', annotations },
    target: { apiVersion: 'v1', kind: 'Node', name: 'node-1' },
  }
}

/** How an agent's token is bound: kubelets bind it to the agent's pod, an administrator may bind one to a node. */
const BOUND = {
  Pod: (node: string): readonly string[] => ['Pod', `agent-${node}`],
  Node: (node: string): readonly string[] => ['Node', node],
} as const

/** kubectl as the agent, by a real token. */
async function agentOf(
  bound: keyof typeof BOUND,
  node: string,
): Promise<(args: readonly string[], input?: string) => Promise<CommandResult>> {
  return await asToken(`${bound}-${node}`, await agentToken(server, ...BOUND[bound](node)))
}

async function asToken(
  name: string,
  token: string,
): Promise<(args: readonly string[], input?: string) => Promise<CommandResult>> {
  const path = join(server.directory, `${name}.conf`)
  writeFileSync(path, kubeconfig(server.url, server.ca, { token }))
  return await Promise.resolve(
    async (args, input) => await server.kubectl(['--kubeconfig', path, '-n', 'shop', ...args], input),
  )
}

const REPORTS: Readonly<Record<string, { readonly patch: JsonObject; readonly more: readonly string[] }>> = {
  'that it is redirected': { patch: annotated({ [REDIRECTION]: 'enabled' }), more: [] },
  'what was measured': { patch: condition('sluice-mesh.io/redirected'), more: ['--subresource=status'] },
  'that it must be evicted': { patch: condition('sluice-mesh.io/evict'), more: ['--subresource=status'] },
  'that it is no longer redirected': { patch: annotated({ [REDIRECTION]: null }), more: [] },
}

describe('the fence alone', () => {
  before(async () => {
    await server.kubectl(['delete', 'validatingadmissionpolicybinding', 'sluice-seal'])
    await until('the seal is no longer in force', async () =>
      (await asAdmin(['annotate', 'pod', 'pending', 'sluice-mesh.io/decided-', '--dry-run=server'])).code === 0
        ? true
        : undefined,
    )
  })
  for (const bound of ['Pod', 'Node'] as const)
    describe(`the fence, with tokens that are bound to a ${bound}`, () => {
      NODES.forEach((node, index) => {
        const other = NODES[1 - index] ?? ''
        for (const [what, { patch, more }] of Object.entries(REPORTS))
          test(`the agent of ${node} reports of a pod ${what}, and of one on ${other} it does not`, async () => {
            const agent = await agentOf(bound, node)
            await passed(agent(patching(`on-${node}`, patch, ...more)))
            await refused(agent(patching(`on-${other}`, patch, ...more)), 'fence_other_node')
            await refused(agent(patching('pending', patch, ...more)), 'fence_other_node')
          })
      })

      const forbidden: readonly (readonly [string, JsonObject, readonly string[]])[] = [
        ['an annotation of others', annotated({ 'example.com/mine': 'x' }), []],
        ['a label', { metadata: { labels: { 'istio.io/dataplane-mode': 'ambient' } } }, []],
        ['a finalizer', { metadata: { finalizers: ['example.com/stay'] } }, []],
        ['an owner', { metadata: { ownerReferences: [owner()] } }, []],
        ['an image', { spec: { containers: [{ name: 'app', image: 'registry.example/evil:1' }] } }, []],
        ['the condition Ready', condition('Ready'), ['--subresource=status']],
        ["another agent's ability", condition('sluice-mesh.io/ambient'), ['--subresource=status']],
        ['an address', { status: { podIP: '10.0.0.1', podIPs: [{ ip: '10.0.0.1' }] } }, ['--subresource=status']],
        ['the phase', { status: { phase: 'Failed' } }, ['--subresource=status']],
      ]
      for (const [what, patch, more] of forbidden)
        test(`an agent cannot change ${what} of a pod on its own node`, async () => {
          const agent = await agentOf(bound, 'node-1')
          await refused(agent(patching('on-node-1', patch, ...more)), 'fence_not_listed')
        })

      test('an agent cannot delete, evict, create, bind or enter a pod, not even on its own node', async () => {
        const agent = await agentOf(bound, 'node-1')
        await refused(agent(['delete', 'pod', 'on-node-1']), 'fence_not_listed')
        const eviction = {
          apiVersion: 'policy/v1',
          kind: 'Eviction',
          metadata: { name: 'on-node-1', namespace: 'shop' },
        }
        await refused(agent(create('pods/on-node-1/eviction'), JSON.stringify(eviction)), 'fence_not_listed')
        await refused(
          agent(['create', '-f', '-'], JSON.stringify(pod('shop', 'evil', 'node-1', {}))),
          'fence_not_listed',
        )
        await refused(
          agent(create('pods/pending/binding'), JSON.stringify(bindingOf('pending', {}))),
          'fence_not_listed',
        )
        await refused(agent(['exec', 'on-node-1', '--', 'id']), 'fence_not_listed')
      })
    })

  test('an agent says on its own pod, and on no other, whether its node can do ambient', async () => {
    const agent = await agentOf('Pod', 'node-1')
    const able = (name: string): readonly string[] => [
      ...patching(name, condition('sluice-mesh.io/ambient'), '--subresource=status'),
      '-n',
      'sluice-system',
    ]
    await passed(agent(able('agent-node-1')))
    await refused(agent(able('agent-node-2')), 'fence_other_node')
  })

  test('a token that names no node writes nothing', async () => {
    const agent = await asToken('unbound', await agentToken(server))
    await refused(agent(patching('on-node-1', annotated({ [REDIRECTION]: 'forged' }))), 'fence_no_node')
  })
})

function owner(): JsonObject {
  return { apiVersion: 'v1', kind: 'Pod', name: 'x', uid: '00000000-0000-0000-0000-000000000000' }
}
