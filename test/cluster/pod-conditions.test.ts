import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ApiServer, createNamespace, startApiServer } from '../../scripts/cluster/api-server.ts'
import { PodConditions } from '../../src/app/agent/verify/pod-conditions.ts'
import type { Proof } from '../../src/app/agent/verify/proofs.ts'
import { statusCommand } from '../../src/app/commands/status.ts'
import type { Standing } from '../../src/core/explain/standing.ts'
import type { Judgement, Verdict } from '../../src/core/redirection/evidence.ts'
import { createClient, type ClusterClient } from '../../src/edge/cluster/client.ts'
import { kubeconfigConnection } from '../../src/edge/cluster/kubeconfig.ts'
import { agentInside } from './boundary.ts'

const NAMESPACE = 'proven'
const pods = { resource: { group: '', version: 'v1', plural: 'pods' }, namespace: NAMESPACE }

let api: ApiServer
/** of an administrator */
let client: ClusterClient
/** of the agent on the pods' node: its own token, no more rights than it needs, inside seal and fence */
let agent: ClusterClient
before(async () => {
  api = await startApiServer()
  client = createClient(await kubeconfigConnection({ file: api.kubeconfig }))
  await createNamespace(api, NAMESPACE)
  agent = createClient(await agentInside(api))
})
after(async () => await api.stop())

/** A pod that the API server holds and that is said to run; nobody runs it. */
async function createPod(name: string): Promise<string> {
  await client.create(pods, {
    ...{ apiVersion: 'v1', kind: 'Pod' },
    metadata: {
      name,
      annotations: {
        'sluice-mesh.io/decided': 'cni',
        'sluice-mesh.io/intent': '{"v":1,"kind":"sidecar","inboundPorts":"*","outboundCidrs":"*"}',
      },
    },
    spec: { nodeName: 'node-1', containers: [{ name: 'app', image: 'test.local/app:1' }] },
  })
  const kubelets = { type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }
  const status = { phase: 'Running', podIPs: [{ ip: '10.1.2.3' }], podIP: '10.1.2.3', conditions: [kubelets] }
  const told = await client.patch({ ...pods, name, subresource: 'status' }, 'strategic', { status })
  return (told['metadata'] as { uid: string }).uid
}

const VERDICTS: Readonly<Record<Judgement, Verdict>> = {
  redirected: verdict('redirected', true),
  partial: verdict('partial', false),
  bypassing: verdict('bypassing', false),
  unknown: verdict('unknown', null),
}

function verdict(is: Judgement, holds: boolean | null): Verdict {
  const what = 'outbound IPv4 traffic (192.0.2.1)'
  const reason =
    holds === null
      ? ({ code: 'redirection_unknown', args: { what, why: 'nobody looked' } } as const)
      : holds
        ? ({ code: 'redirection_seen', args: { what, port: 15001 } } as const)
        : ({ code: 'redirection_bypassed', args: { what, port: 15001, instead: 'it left the pod' } } as const)
  return { is, measured: [{ class: 'outbound', family: 4, address: '192.0.2.1', holds, reason }], also: [] }
}

function proofOf(uid: string, name: string, is: Judgement): Proof {
  const at = Date.parse('2026-03-01T10:00:00Z')
  return {
    uid,
    namespace: NAMESPACE,
    name,
    mode: 'cni',
    verdict: VERDICTS[is],
    measuredAt: at,
    since: at,
    ticks: { measured: 0, since: 0 },
  }
}

interface Condition {
  readonly type: string
  readonly status: string
  readonly reason?: string
}

async function conditionsOf(name: string): Promise<string> {
  const { conditions } = (await client.get({ ...pods, name }))['status'] as unknown as {
    readonly conditions: readonly Condition[]
  }
  const inOrder = conditions.toSorted((a, b) => (a.type < b.type ? -1 : 1))
  return inOrder.map(({ type, status, reason = '' }) => `${type}=${status} ${reason}`.trimEnd()).join(', ')
}

/** Lets the writer work until `is` holds. */
async function until(writer: PodConditions, is: () => Promise<boolean>): Promise<void> {
  const stop = new AbortController()
  const running = writer.loop.run(stop.signal)
  try {
    for (let tries = 0; tries < 200; tries++) {
      if (await is()) return
      await sleep(100)
    }
    throw new Error('it never came to that')
  } finally {
    stop.abort()
    await running
  }
}

test("what was measured stands beside the kubelet's own conditions, and an eviction is asked for and taken back", async () => {
  const uid = await createPod('web')
  const writer = new PodConditions({ client: agent, report: (error) => assert.fail(String(error)) })
  writer.tell(proofOf(uid, 'web', 'redirected'), false)
  await until(writer, async () => (await conditionsOf('web')).includes('redirected=True'))
  assert.equal(await conditionsOf('web'), 'Ready=True, sluice-mesh.io/redirected=True redirection_seen')
  writer.tell(proofOf(uid, 'web', 'bypassing'), true)
  await until(writer, async () => (await conditionsOf('web')).includes('evict=True'))
  assert.match(await conditionsOf('web'), /evict=True redirection_bypassed.*redirected=False redirection_bypassed/)
  writer.tell(proofOf(uid, 'web', 'redirected'), false)
  await until(writer, async () => (await conditionsOf('web')).includes('evict=False'))
})

test('a proof of a pod that is gone is not written on another one of its name, and does not come again', async () => {
  await createPod('again')
  const problems: unknown[] = []
  const writer = new PodConditions({ client: agent, report: (problem) => problems.push(problem) })
  writer.tell(proofOf('8b6a2e4c-0000-4000-8000-000000000000', 'again', 'bypassing'), true)
  const other = await createPod('other')
  writer.tell(proofOf(other, 'other', 'redirected'), false)
  await until(writer, async () => (await conditionsOf('other')).includes('redirected=True'))
  assert.equal(await conditionsOf('again'), 'Ready=True')
  assert.deepEqual(problems, [])
})

test('while the API server is away the newest proof waits, and is written when it is back', async () => {
  const uid = await createPod('later')
  const problems: unknown[] = []
  let isAway = true
  const patch: ClusterClient['patch'] = async (...args) => {
    if (isAway) throw new Error('connection refused')
    return await agent.patch(...args)
  }
  const writer = new PodConditions({ client: { patch }, report: (problem) => problems.push(problem) })
  writer.tell(proofOf(uid, 'later', 'bypassing'), false)
  await until(writer, () => Promise.resolve(problems.length > 0))
  isAway = false
  writer.tell(proofOf(uid, 'later', 'redirected'), false)
  await until(writer, async () => (await conditionsOf('later')).includes('redirected=True'))
})

test('sluice status shows each pod of the mesh; no outweighs unknown, and unknown is no yes', async () => {
  const run = async (...extra: readonly (readonly [string, string])[]): Promise<readonly [string, string]> => {
    const printed: string[] = []
    const flags = Object.fromEntries([['kubeconfig', api.kubeconfig], ['namespace', NAMESPACE], ...extra])
    const exit = await statusCommand.run(flags, [], {
      ...{ env: {}, stdin: () => Promise.resolve(''), stop: new AbortController().signal },
      ...{ out: (text: string) => void printed.push(text), err: () => undefined },
    })
    return [exit, printed.join('')]
  }
  const [unmeasured, table] = await run()
  assert.equal(unmeasured, 'unknown')
  assert.match(table, /^NAMESPACE +NAME +MODE +REDIRECTED +MEASURED +REASON\n/)
  assert.match(table, /\nproven +again +cni +unknown +never +not_measured\n/)
  assert.match(table, /\nproven +web +cni +yes +\d+d +redirection_seen\n/)
  const uid = await createPod('bad')
  const writer = new PodConditions({ client: agent, report: (error) => assert.fail(String(error)) })
  writer.tell(proofOf(uid, 'bad', 'partial'), false)
  await until(writer, async () => (await conditionsOf('bad')).includes('redirected=False'))
  const [exit, json] = await run(['output', 'json'], ['all-namespaces', 'true'])
  assert.equal(exit, 'refusal')
  const bad = (JSON.parse(json) as readonly Standing[]).find(({ name }) => name === 'bad')
  assert.deepEqual(
    [bad?.redirected, bad?.reason, bad?.measuredAt],
    ['no', 'redirection_bypassed', '2026-03-01T10:00:00Z'],
  )
})
