import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { JournalEntry } from '../../../src/app/agent/journal.ts'
import { startAgent } from '../../../src/app/agent/start.ts'
import type { JsonObject } from '../../../src/core/json/value.ts'
import { inNetns, tools } from '../world.ts'
import {
  agentOptions,
  callPlugin,
  DECIDED,
  makeSandbox,
  NODE,
  PLAIN,
  rulesIn,
  startTestAgent,
  temporaryFolder,
  type TestSandbox,
} from './node.ts'

/** The real plugin, a real agent and real namespaces; only the runtime is played by the test. */
const folder = temporaryFolder()

/** A pod that Istio alone injected, as the API server has it. */
const istioPod = (uid: string): JsonObject => ({
  kind: 'Pod',
  metadata: { uid, name: 'web-0', namespace: 'shop', annotations: { 'sidecar.istio.io/status': '{}' } },
  spec: { nodeName: NODE, containers: [{ name: 'istio-proxy', args: ['proxy', 'sidecar'] }] },
})
const injected = makeSandbox()
const namespaces: readonly JsonObject[] = ['shop', 'kube-system'].map((name) => ({
  kind: 'Namespace',
  metadata: { name, labels: {} },
}))
const agent = await startTestAgent(
  agentOptions(folder, {
    tools: { libnftables: tools.libnftables, programs: { directory: tools.programs, env: tools.env }, backend: null },
    pods: { from: 'objects', objects: [...namespaces, istioPod(injected.uid)] },
  }),
)

function journal(): readonly JournalEntry[] {
  const path = join(folder, 'run/journal.json')
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as { entries: JournalEntry[] }).entries : []
}
const remembers = ({ uid }: TestSandbox): boolean => journal().some((entry) => entry.uid === uid)

test('a pod that was decided for cni has its rules when ADD returns, and the result before is given back', async () => {
  const sandbox = makeSandbox()
  const end = await callPlugin({ folder, sandbox, annotations: DECIDED })
  assert.equal(end.code, 0, end.stdout)
  assert.equal(end.stdout, `{"cniVersion":"1.1.0","ips":[{"address":"${sandbox.address}/24"}]}\n`)
  assert.match(rulesIn(sandbox), /redirect to :15001/)
  assert.ok(remembers(sandbox))
})

test('the same ADD again changes nothing', async () => {
  const sandbox = makeSandbox()
  await callPlugin({ folder, sandbox, annotations: DECIDED })
  const before = [rulesIn(sandbox), journal().length]
  const again = await callPlugin({ folder, sandbox, annotations: DECIDED })
  assert.equal(again.code, 0, again.stdout)
  assert.deepEqual([rulesIn(sandbox), journal().length], before)
})

test('CHECK tells the truth: right after ADD, with a rule gone, and with all gone', async () => {
  const sandbox = makeSandbox()
  const check = { command: 'CHECK', folder, sandbox, annotations: DECIDED } as const
  await callPlugin({ folder, sandbox, annotations: DECIDED })
  assert.equal((await callPlugin(check)).code, 0)
  inNetns(sandbox.netns, 'nft', 'flush chain inet istio-proxy-nat istio-output')
  const partly = await callPlugin(check)
  assert.match(partly.error?.msg ?? '', /^sluice: rules_missing: .*IPv4 nat ISTIO_OUTPUT/)
  inNetns(sandbox.netns, 'nft', 'flush ruleset')
  assert.match((await callPlugin(check)).error?.msg ?? '', /rules_missing/)
})

test('CHECK of a pod that was let pass passes', async () => {
  const sandbox = makeSandbox()
  const call = { folder, sandbox, annotations: DECIDED, namespace: 'kube-system' } as const
  assert.equal((await callPlugin({ ...call, annotations: PLAIN, command: 'CHECK' })).code, 0)
})

test('a pod that Istio alone injected is redirected by its spec, with or without annotations from the runtime', async () => {
  const annotations = { ...PLAIN, 'sidecar.istio.io/status': '{"initContainers":["istio-validation"]}' }
  const first = await callPlugin({ folder, sandbox: injected, annotations })
  assert.equal(first.code, 0, first.stdout)
  assert.match(rulesIn(injected), /redirect to :15001/)
  const behindMultus = await callPlugin({ folder, sandbox: injected, annotations: null })
  assert.equal(behindMultus.code, 0, behindMultus.stdout)
})

for (const { name, call, says } of [
  { name: 'a pod that the watch has not shown', call: { annotations: null }, says: /^sluice: pod_not_known_yet/ },
  {
    name: 'a pod without an intent',
    call: { annotations: { ...DECIDED, 'sluice-mesh.io/intent': '' } },
    says: /intent_invalid/,
  },
  {
    name: 'a pod for ambient, which this agent does not do',
    call: {
      annotations: {
        ...DECIDED,
        'sluice-mesh.io/decided': 'ambient',
        'sluice-mesh.io/intent': '{"v":1,"kind":"ambient"}',
      },
    },
    says: /ambient_absent/,
  },
  {
    name: "the node's own namespace",
    call: { annotations: DECIDED, path: `/proc/${process.pid}/ns/net` },
    says: /netns_refused.*(agent's own|the node's)/,
  },
  { name: 'a path that no runtime uses', call: { annotations: DECIDED, path: '/etc/passwd' }, says: /netns_refused/ },
  {
    name: 'a namespace that does not hold the address of the pod',
    call: { annotations: DECIDED, config: { prevResult: { cniVersion: '1.1.0', ips: [{ address: '10.8.8.8/24' }] } } },
    says: /netns_refused.*holds none of 10\.8\.8\.8/,
  },
  {
    name: 'a namespace that is gone',
    call: { annotations: DECIDED, path: '/run/netns/gone' },
    says: /netns_refused.*ENOENT/,
  },
])
  test(`refused: ${name}; nothing is left of it`, async () => {
    const sandbox = makeSandbox()
    const { code, error } = await callPlugin({ folder, sandbox, ...call })
    assert.equal(code, 1)
    assert.match(error?.msg ?? '', says)
    assert.ok((error?.details ?? '').length > 10, JSON.stringify(error))
    assert.equal(rulesIn(sandbox), '')
    assert.ok(!remembers(sandbox))
  })

test('DEL forgets the sandbox that it names, and no other one of the pod', async () => {
  const sandbox = makeSandbox()
  await callPlugin({ folder, sandbox, annotations: DECIDED })
  const older = { ...sandbox, containerId: 'an-older-sandbox' }
  assert.equal((await callPlugin({ command: 'DEL', folder, sandbox: older, annotations: null, path: '' })).code, 0)
  assert.ok(remembers(sandbox))
  assert.equal((await callPlugin({ command: 'DEL', folder, sandbox, annotations: null, path: '' })).code, 0)
  assert.ok(!remembers(sandbox))
})

test('GC forgets what the runtime does not name', async () => {
  const [kept, gone] = [makeSandbox(), makeSandbox()]
  for (const sandbox of [kept, gone]) await callPlugin({ folder, sandbox, annotations: DECIDED })
  const valid = journal().filter(({ uid }) => uid !== gone.uid)
  const config = {
    'cni.dev/valid-attachments': valid.map(({ containerId }) => ({ containerID: containerId, ifname: 'eth0' })),
  }
  assert.equal((await callPlugin({ command: 'GC', folder, sandbox: kept, annotations: null, config })).code, 0)
  assert.deepEqual([remembers(kept), remembers(gone)], [true, false])
})

test('the socket is for root alone, and odd requests are answered by a sentence', async () => {
  const socket = join(folder, 'run/cni.sock')
  assert.equal(statSync(socket).mode & 0o777, 0o600)
  for (const text of ['', '{}', '[', '{"version":1,"command":"RUN"}', `{"version":1,"command":"ADD","deadlineMs":1}`]) {
    const client = connect(socket)
    client.write(`${text}\n`)
    const [answer] = (await once(client, 'data')) as [Buffer]
    assert.match(answer.toString(), /"code":100,"msg":"sluice: request_unreadable/, text)
    client.destroy()
  }
})

/** What the agent says of the plugin's socket, once it says so. */
async function socketCheck(wanted: RegExp): Promise<void> {
  const { address, port } = agent.healthAddress
  for (let waited = 0; ; waited += 200) {
    const text = await (await fetch(`http://${address}:${port}/readyz?verbose`)).text()
    if (wanted.test(text)) return
    assert.ok(waited < 60_000, text)
    await sleep(200)
  }
}

test('a socket file that somebody removed is put back, and the plugin comes through again', async () => {
  rmSync(join(folder, 'run/cni.sock'))
  for (let waited = 0; !existsSync(join(folder, 'run/cni.sock')); waited += 200) {
    assert.ok(waited < 60_000)
    await sleep(200)
  }
  await socketCheck(/\[\+\]plugin-socket ok/)
  assert.equal(statSync(join(folder, 'run/cni.sock')).mode & 0o777, 0o600)
  assert.equal((await callPlugin({ folder, sandbox: makeSandbox(), annotations: DECIDED })).code, 0)
})

test('a socket that another process took is left to it, with the agent not ready, and taken over when that one ends', async () => {
  const socket = join(folder, 'run/cni.sock')
  rmSync(socket)
  const other = createServer((connection) => connection.destroy())
  await new Promise<void>((resolve) => void other.listen(socket, resolve))
  const { ino } = statSync(socket)
  await socketCheck(/\[-\]plugin-socket failed: another agent listens at/)
  assert.equal(statSync(socket).ino, ino)
  await new Promise((resolve) => other.close(resolve))
  await socketCheck(/\[\+\]plugin-socket ok/)
  assert.equal((await callPlugin({ folder, sandbox: makeSandbox(), annotations: DECIDED })).code, 0)
})

test('a second agent at the same socket does not start, and the first goes on', async () => {
  await assert.rejects(startAgent(agentOptions(folder)), /another agent listens/)
  assert.equal((await callPlugin({ folder, sandbox: makeSandbox(), annotations: DECIDED })).code, 0)
})
