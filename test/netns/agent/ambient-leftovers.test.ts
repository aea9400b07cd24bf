import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ambientLeftovers, clearLeftovers, type LeftoversOptions } from '../../../src/app/agent/ambient/leftovers.ts'
import { Ztunnels } from '../../../src/app/agent/ambient/ztunnels.ts'
import { Journal } from '../../../src/app/agent/journal.ts'
import { address } from '../../../src/core/intent/grammar.ts'
import { NetnsWorker } from '../../../src/edge/host/netns-worker.ts'
import { type AmbientTestNode, makeNode } from '../ambient-node.ts'
import { inNetns, ip, tools, untilEnd } from '../world.ts'
import { startAmbientAgent } from './ambient-agent.ts'
import { temporaryFolder } from './node.ts'

/** What an agent that did ambient left on the host, and one that does not finds there. */
const worker = untilEnd(
  await NetnsWorker.start({ libnftables: null, programs: { directory: tools.programs, env: tools.env } }),
)
const FOREIGN = 'table inet foreign { chain c { type filter hook output priority 0; }; }'
const FOREIGN_RULE = ['rule', 'add', 'to', '192.0.2.9', 'lookup', '77', 'priority', '513']

/** A node with the sets and ip rules of pods that are gone, and things of others. */
async function leftNode(): Promise<AmbientTestNode> {
  const node = await makeNode()
  inNetns(node.host, 'nft', FOREIGN)
  ip('-n', node.host.name, ...FOREIGN_RULE)
  ip('-n', node.host.name, 'rule', 'add', 'to', '10.1.2.3', 'lookup', '77', 'priority', '512', 'proto', '83')
  assert.equal(await node.probePath.put('gone', [address.parse('10.1.2.3')]), null)
  return node
}

const onHost = ({ host }: AmbientTestNode): string =>
  inNetns(host, 'nft', '--stateless', 'list', 'ruleset') + ip('-n', host.name, 'rule')

function optionsFor(node: AmbientTestNode): LeftoversOptions & { readonly journal: Journal } {
  return {
    ...{ pods: node.api, worker, host: node.host.handle, proc: '/proc', ztunnelSocket: node.socket },
    node: {
      families: [4, 6],
      dnsCapture: true,
      probeSource: { 4: address.parse('169.254.7.127'), 6: address.parse('::1') },
    },
    journal: new Journal(join(temporaryFolder(), 'journal.json'), 'this boot'),
    log: { warn: () => assert.fail('nothing goes wrong'), error: () => assert.fail('nothing goes wrong') },
  }
}

test('what ambient left goes when nobody needs it, and nothing of others', async () => {
  const node = await leftNode()
  assert.equal(await clearLeftovers(optionsFor(node)), true)
  const after = onHost(node)
  assert.doesNotMatch(after, /istio|priority 512|512:/)
  assert.match(after, /table inet foreign/)
  assert.match(after, /513:/)
  assert.equal(await clearLeftovers(optionsFor(node)), true)
  assert.equal(onHost(node), after)
})

const NEEDS: readonly {
  readonly name: string
  readonly need: (node: AmbientTestNode, journal: Journal) => void | Promise<void>
}[] = [
  {
    name: 'a pod that says it is in ambient',
    need: async (node: AmbientTestNode) => {
      const pod = await node.addPod({ asProcess: false })
      node.api.show(pod, { annotations: { 'ambient.istio.io/redirection': 'enabled' } })
    },
  },
  {
    name: 'a pod that the journal remembers',
    need: (_: AmbientTestNode, journal: Journal) => {
      const entry = { uid: 'uid-1', namespace: 'shop', name: 'web-0', containerId: 'box', netnsPath: '/run/netns/x' }
      journal.put({
        ...entry,
        netnsId: '1:2',
        addresses: [],
        mode: 'ambient',
        intent: '',
        rules: 'made',
        appliedAt: '',
      })
    },
  },
  {
    name: "another agent that owns ztunnel's socket",
    need: ({ socket }: AmbientTestNode) => void untilEnd(Ztunnels.start({ socket, onEvent: () => undefined })),
  },
]
for (const { name, need } of NEEDS)
  test(`nothing goes while it is needed by ${name}`, async () => {
    const node = await leftNode()
    const options = optionsFor(node)
    await need(node, options.journal)
    const before = onHost(node)
    assert.equal(await clearLeftovers(options), false)
    assert.equal(onHost(node), before)
  })

test('an agent that is started without ambient clears its node', async () => {
  const node = await leftNode()
  await startAmbientAgent(node, [], { ambient: null })
  for (let waited = 0; /istio|512:/.test(onHost(node)); waited += 200) {
    assert.ok(waited < 60_000, onHost(node))
    await sleep(200)
  }
  assert.match(onHost(node), /table inet foreign/)
})

test('an agent without ambient tells of pods that are still in, until another agent serves ztunnel', async () => {
  const node = await leftNode()
  const [pod, finished] = [await node.addPod({ asProcess: false }), await node.addPod({ asProcess: false })]
  const annotations = { 'ambient.istio.io/redirection': 'enabled' }
  node.api.show(finished, { annotations, phase: 'Succeeded' })
  node.api.show(pod, { annotations })
  const before = onHost(node)
  const { until } = await startAmbientAgent(node, [], { ambient: null, ztunnelSocket: node.socket })
  await until('sluice_alarms{reason="ambient_stranded"} 1')
  assert.equal(onHost(node), before, 'its probes still come through')
  const { loop, alarms } = ambientLeftovers(optionsFor(node))
  const turn = async (): Promise<void> => {
    const stop = new AbortController()
    const running = loop.run(stop.signal)
    stop.abort()
    await running
  }
  await turn()
  const first = `shop/pod-${pod.uid.slice(0, 8)}`
  assert.deepEqual(alarms(), [{ code: 'ambient_stranded', args: { pods: 1, first } }])
  untilEnd(Ztunnels.start({ socket: node.socket, onEvent: () => undefined }))
  await turn()
  assert.deepEqual(alarms(), [])
})
