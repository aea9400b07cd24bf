import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { JournalEntry } from '../../../src/app/agent/journal.ts'
import { everyRule, ISTIO_TOOLS, istioCase, type IstioTool, programAsIstio } from '../istio-cni.ts'
import { inNetns, ip, tools } from '../world.ts'
import {
  agentOptions,
  callPlugin,
  DECIDED,
  makeSandbox,
  type PluginEnd,
  rulesIn,
  startTestAgent,
  temporaryFolder,
  type TestSandbox,
} from './node.ts'

/** A node on which istio-cni was asked before: its rules are in the pod's namespace when Sluice's plugin is called. */
const folder = temporaryFolder()
const agent = await startTestAgent(
  agentOptions(folder, {
    tools: { libnftables: tools.libnftables, programs: { directory: tools.programs, env: tools.env }, backend: null },
  }),
)
const USUAL = istioCase('sidecar-default-injection')

async function add(sandbox: TestSandbox, intent: string): Promise<PluginEnd> {
  return await callPlugin({ folder, sandbox, annotations: { ...DECIDED, 'sluice-mesh.io/intent': intent } })
}

function journal({ uid }: TestSandbox): JournalEntry {
  const { entries } = JSON.parse(readFileSync(join(folder, 'run/journal.json'), 'utf8')) as { entries: JournalEntry[] }
  return entries.find((entry) => entry.uid === uid) ?? assert.fail(`${uid} is not in the journal`)
}

async function requests(reason: string): Promise<number> {
  const { address, port } = agent.metricsAddress
  const text = await (await fetch(`http://${address}:${port}/metrics`)).text()
  const line = text.split('\n').find((one) => one.includes('command="ADD"') && one.includes(`reason="${reason}"`))
  return Number(line?.split(' ').at(-1) ?? 0)
}

/** Under Istio's names, and in whose tables. */
function owners({ netns }: TestSandbox): readonly string[] {
  const nft = inNetns(netns, 'nft', 'list', 'ruleset')
  return [
    ...(nft.includes('istio-proxy-nat') ? ['nft'] : []),
    ...(nft.includes('chain ISTIO_') ? ['iptables-nft'] : []),
    ...(inNetns(netns, 'iptables-legacy-save').includes('ISTIO_') ? ['iptables-legacy'] : []),
  ]
}

for (const name of ['sidecar-default-injection', 'sidecar-dns-capture-all', 'sidecar-tproxy'])
  for (const tool of ISTIO_TOOLS)
    test(`${name}, made by istio-cni with ${tool}: an ADD finds it right and writes nothing`, async () => {
      const [sandbox, istio] = [makeSandbox(), istioCase(name)]
      programAsIstio(sandbox.netns, istio, tool)
      const [before, found] = [everyRule(sandbox.netns), await requests('node_found_right')]
      const end = await add(sandbox, istio.intentText)
      assert.equal(end.code, 0, end.stdout)
      assert.equal(everyRule(sandbox.netns), before)
      assert.equal(journal(sandbox).rules, 'found')
      assert.equal(await requests('node_found_right'), found + 1)
      // the runtime's own question is answered by the same rules
      const check = await callPlugin({ command: 'CHECK', folder, sandbox, annotations: DECIDED })
      assert.equal(check.code, 0, check.stdout)
    })

const WRONG: readonly { readonly what: string; readonly tool: IstioTool; readonly spoil: readonly string[] }[] = [
  { what: 'a rule is missing', tool: 'iptables-nft', spoil: ['iptables-nft', '-t', 'nat', '-F', 'ISTIO_OUTPUT'] },
  {
    what: 'a rule is missing',
    tool: 'iptables-legacy',
    spoil: ['iptables-legacy', '-t', 'nat', '-F', 'ISTIO_INBOUND'],
  },
  {
    what: "a rule stands before Istio's",
    tool: 'iptables-nft',
    spoil: ['iptables-nft', '-t', 'nat', '-I', 'ISTIO_OUTPUT', '1', '-j', 'RETURN'],
  },
  {
    what: 'a chain is empty',
    tool: 'nft',
    spoil: ['nft', 'flush', 'chain', 'inet', 'istio-proxy-nat', 'istio-output'],
  },
]

for (const { what, tool, spoil } of WRONG)
  test(`where ${what} in what istio-cni made with ${tool}, the rules become Sluice's and Istio's go`, async () => {
    const sandbox = makeSandbox()
    programAsIstio(sandbox.netns, USUAL, tool)
    const [program = '', ...args] = spoil
    inNetns(sandbox.netns, program, ...args)
    const end = await add(sandbox, USUAL.intentText)
    assert.equal(end.code, 0, end.stdout)
    assert.deepEqual(owners(sandbox), ['nft'])
    assert.match(rulesIn(sandbox), /redirect to :15001/)
    assert.equal(journal(sandbox).rules, 'made')
    const after = everyRule(sandbox.netns)
    assert.equal((await add(sandbox, USUAL.intentText)).code, 0)
    assert.equal(everyRule(sandbox.netns), after)
  })

test("rules that are right for another intent than the pod's are not right", async () => {
  const sandbox = makeSandbox()
  programAsIstio(sandbox.netns, USUAL, 'iptables-nft')
  const end = await add(sandbox, istioCase('sidecar-dns-capture-all').intentText)
  assert.equal(end.code, 0, end.stdout)
  assert.deepEqual(owners(sandbox), ['nft'])
  assert.match(rulesIn(sandbox), /redirect to :15053/)
})

test('rules of IPv4 alone in a pod that has IPv6 as well, as istio-cni makes them, are made whole', async () => {
  const sandbox = makeSandbox()
  ip('-n', sandbox.netns.name, 'address', 'add', 'fd01::3/64', 'dev', 'eth0', 'nodad')
  programAsIstio(sandbox.netns, USUAL, 'iptables-nft')
  const end = await add(sandbox, USUAL.intentText)
  assert.equal(end.code, 0, end.stdout)
  assert.deepEqual(owners(sandbox), ['nft'])
})

test('two sets of rules in one pod become one', async () => {
  const sandbox = makeSandbox()
  for (const tool of ['iptables-nft', 'iptables-legacy'] as const) programAsIstio(sandbox.netns, USUAL, tool)
  const end = await add(sandbox, USUAL.intentText)
  assert.equal(end.code, 0, end.stdout)
  assert.equal(owners(sandbox).length, 1)
})
