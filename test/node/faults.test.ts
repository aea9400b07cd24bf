import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { startNode } from '../../scripts/cluster/node.ts'
import { apply, dial, inNamespace, kubectl, makeNamespace, node, ready, run, waitFor } from './cluster.ts'
import { NODE_DIRECTORY } from './place.ts'
import { AGENT, agentObjects, CAPABILITIES, type Capability, meshPod, plainPod, SLUICE } from './workloads.ts'

/** Faults of a real node: the rows of docs/faults.md that need a kubelet and an API server. */
const SHOP = 'faults'
const selector = `app.kubernetes.io/name=${AGENT}`

before(async () => {
  await apply(...agentObjects())
  await kubectl('-n', SLUICE, 'rollout', 'status', `daemonset/${AGENT}`, '--timeout=120s')
  await makeNamespace(SHOP)
})

/** Takes the agent off the node, or brings it back: a DaemonSet runs where its selector says. */
async function agentRuns(runs: boolean): Promise<void> {
  const nodeSelector = runs ? null : { 'sluice-test/nowhere': 'true' }
  const patch = JSON.stringify({ spec: { template: { spec: { nodeSelector } } } })
  await kubectl('-n', SLUICE, 'patch', 'daemonset', AGENT, '--type=merge', '-p', patch)
  const pods = async (): Promise<string> => await kubectl('-n', SLUICE, 'get', 'pods', '-l', selector, '-o', 'name')
  if (runs) await kubectl('-n', SLUICE, 'rollout', 'status', `daemonset/${AGENT}`, '--timeout=120s')
  else await waitFor(async () => (await pods()) === '', 'the agent is gone')
}

const events = async (name: string): Promise<string> =>
  await kubectl(
    '-n',
    SHOP,
    'get',
    'events',
    '--field-selector',
    `involvedObject.name=${name}`,
    '-o',
    'jsonpath={.items[*].message}',
  )

test('with the agent away a promised pod waits and says why, a plain one starts, and the first goes on by itself', async () => {
  await agentRuns(false)
  await apply(...inNamespace(SHOP, meshPod('waiting'), plainPod('free')))
  await ready(SHOP, 'free')
  await waitFor(async () => (await events('waiting')).includes('agent_away'), 'the event names the reason')
  const ips = await kubectl('-n', SHOP, 'get', 'pod', 'waiting', '-o', 'jsonpath={.status.podIP}')
  assert.equal(ips, '', 'no container of it ran')
  await agentRuns(true)
  await ready(SHOP, 'waiting')
  assert.equal(await dial(SHOP, 'waiting', '203.0.113.5:80'), 'outbound was asked for 203.0.113.5:80')
})

/** What the agent's self-test, traffic through real rules in namespaces of its own making, says without each of its rights. */
const SAYS_WITHOUT: Readonly<Record<Capability, RegExp>> = {
  SYS_ADMIN: /unshare: EPERM|setns: EPERM/,
  NET_ADMIN: /no backend can make rules/,
  // a probe acts as the proxy's user, or it proves nothing
  SETUID: /cannot be measured: .* takes CAP_SETUID and CAP_SETGID/,
  SETGID: /cannot be measured: .* takes CAP_SETUID and CAP_SETGID/,
}

for (const missing of CAPABILITIES)
  test(`${missing} is needed: with it the agent is Ready, without it not`, async () => {
    const log = async (): Promise<string> =>
      (await node.kubectl(['-n', SLUICE, 'logs', '-l', selector, '--tail=50'])).stdout
    await apply(...agentObjects())
    await waitFor(agentIsReady, `with ${missing}`, log)
    await apply(...agentObjects(CAPABILITIES.filter((one) => one !== missing)))
    const isRefused = async (): Promise<boolean> => SAYS_WITHOUT[missing].test(await log())
    await waitFor(async () => !(await agentIsReady()) && (await isRefused()), `without ${missing}`, log)
    await apply(...agentObjects())
    await waitFor(agentIsReady, 'the agent is Ready again', log)
  })

async function agentIsReady(): Promise<boolean> {
  const path =
    '{.status.numberReady}/{.status.updatedNumberScheduled}/{.metadata.generation}/{.status.observedGeneration}'
  const [ready, updated, wanted, seen] = (
    await kubectl('-n', SLUICE, 'get', 'daemonset', AGENT, '-o', `jsonpath=${path}`)
  ).split('/')
  return wanted === seen && ready === '1' && updated === '1'
}

test('a node that reboots without drain brings its promised pods back redirected', async () => {
  await apply(...inNamespace(SHOP, meshPod('survivor')))
  await ready(SHOP, 'survivor')
  const restarts = async (): Promise<string> =>
    await kubectl('-n', SHOP, 'get', 'pod', 'survivor', '-o', 'jsonpath={.status.containerStatuses[*].restartCount}')
  const before = await restarts()
  await node.down()
  await startNode(NODE_DIRECTORY)
  await waitFor(async () => (await restarts()) !== before, 'its containers were started again')
  await ready(SHOP, 'survivor')
  assert.equal(await dial(SHOP, 'survivor', '203.0.113.5:80'), 'outbound was asked for 203.0.113.5:80')
  assert.match(await run('cat', '/run/sluice/journal.json'), /survivor/)
})
