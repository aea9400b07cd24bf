import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import type { CniRequest } from '../../../src/app/agent/cni/request.ts'
import { SandboxNamespaces } from '../../../src/app/agent/cni/sandbox-netns.ts'
import { Sandboxes } from '../../../src/app/agent/cni/sandboxes.ts'
import { Journal, type JournalEntry } from '../../../src/app/agent/journal.ts'
import { NodePods } from '../../../src/app/agent/node-pods.ts'
import { everyRule, istioCase, programAsIstio } from '../istio-cni.ts'
import { startWorker } from '../world.ts'
import { DECIDED, makeSandbox, NODE, temporaryFolder, type TestSandbox } from './node.ts'
import { redirectorWith } from './redirectors.ts'

/** Requests whose caller gives up exactly when the rules are in place: real rules, and nothing but the runtime played. */
const worker = await startWorker()
const redirector = redirectorWith({ worker, backend: null })
// on a busy machine a try can find no answer
for (let tries = 0; redirector.picked.is === 'none' && tries < 20; tries++) await redirector.tryNode()
const journal = new Journal(join(temporaryFolder(), 'journal.json'), 'this boot')
const ISTIO = istioCase('sidecar-default-injection')
let late = new AbortController()
let isLate = false
const sandboxes = new Sandboxes({
  ...{ journal, redirector, worker, ambient: null, excludedNamespaces: [] },
  pods: new NodePods({ nodeName: NODE, pods: { from: 'objects', objects: [] }, report: () => undefined }),
  namespaces: new SandboxNamespaces({ proc: '/proc', netnsDir: '/run/netns' }),
  onRedirected: () => undefined,
  measure: (phase) => {
    if (phase === 'applied' && isLate) late.abort()
  },
})

/** An ADD; its caller takes the answer, gives up before there is one, or before it has read it. */
async function add(sandbox: TestSandbox, caller: 'takes' | 'gives up' | 'does not read'): Promise<string> {
  const { containerId, netns, uid, address } = sandbox
  const request: CniRequest = {
    ...{ command: 'ADD', containerId, netns: netns.path, deadlineMs: 60_000, addresses: [address] },
    pod: { namespace: 'shop', name: 'web-0', uid },
    annotations: { ...DECIDED, 'sluice-mesh.io/intent': ISTIO.intentText },
    validContainers: null,
  }
  late = new AbortController()
  isLate = caller === 'gives up'
  const outcome = await sandboxes.add(request, late.signal)
  return (caller === 'does not read' ? await sandboxes.abandon(request, outcome) : outcome).reason.code
}

const entryOf = ({ uid }: TestSandbox): JournalEntry | undefined => journal.get(uid)

for (const caller of ['gives up', 'does not read'] as const) {
  test(`a caller ${caller}: what this ADD made goes`, async () => {
    const sandbox = makeSandbox()
    const before = everyRule(sandbox.netns)
    assert.equal(await add(sandbox, caller), 'caller_gave_up')
    assert.equal(everyRule(sandbox.netns), before)
    assert.equal(entryOf(sandbox), undefined)
  })

  test(`a caller ${caller}: rules that it only found stay, as another's`, async () => {
    const sandbox = makeSandbox()
    programAsIstio(sandbox.netns, ISTIO, 'nft')
    const before = everyRule(sandbox.netns)
    assert.equal(await add(sandbox, caller), 'caller_gave_up')
    assert.equal(everyRule(sandbox.netns), before)
    assert.equal(entryOf(sandbox), undefined)
  })

  for (const first of ['made', 'found'] as const)
    test(`a caller ${caller}: what an earlier ADD of the same sandbox ${first}, and answered, stays and is remembered`, async () => {
      const sandbox = makeSandbox()
      if (first === 'found') programAsIstio(sandbox.netns, ISTIO, 'nft')
      assert.equal(await add(sandbox, 'takes'), first === 'found' ? 'node_found_right' : 'node_redirects')
      const [before, entry] = [everyRule(sandbox.netns), entryOf(sandbox)]
      assert.equal(entry?.rules, first)
      assert.equal(await add(sandbox, caller), 'caller_gave_up')
      assert.equal(everyRule(sandbox.netns), before)
      assert.deepEqual(entryOf(sandbox)?.rules, first)
    })
}

test('an ADD that finds its own rules remembers them as its own, and those of a new sandbox as what they are', async () => {
  const sandbox = makeSandbox()
  assert.equal(await add(sandbox, 'takes'), 'node_redirects')
  assert.equal(await add(sandbox, 'takes'), 'node_found_right')
  assert.equal(entryOf(sandbox)?.rules, 'made')
  const next = { ...makeSandbox(), uid: sandbox.uid }
  programAsIstio(next.netns, ISTIO, 'nft')
  assert.equal(await add(next, 'takes'), 'node_found_right')
  assert.equal(entryOf(next)?.rules, 'found')
})
