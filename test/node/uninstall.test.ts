import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { CommandResult } from '../../scripts/cluster/api-server.ts'
import { apply, dial, inNamespace, kubectl, makeNamespace, node, ready, run, waitFor, write } from './cluster.ts'
import { AGENT, agentObjects, meshPod, plainPod, SLUICE } from './workloads.ts'

/** The plugin and its entry on a real node: put there by the agent, defended against others, and taken away under running pods. */
const SHOP = 'installer'
const CONFLIST = '/etc/cni/net.d/10-node.conflist'
const PLUGIN = '/opt/cni/bin/sluice-cni'
const MARK = `${PLUGIN}.uninstalled`

before(async () => {
  await apply(...agentObjects())
  await kubectl('-n', SLUICE, 'rollout', 'status', `daemonset/${AGENT}`, '--timeout=120s')
  await makeNamespace(SHOP)
})
after(async () => {
  await run('rm', '-f', MARK)
})

const conflist = async (): Promise<string> => await run('cat', CONFLIST)
const isThere = async (path: string): Promise<boolean> => (await node.exec(['test', '-e', path])).code === 0

/** The conflist as it was before any entry of Sluice. */
async function withoutEntry(): Promise<string> {
  const list = JSON.parse(await conflist()) as { readonly plugins: readonly { readonly type: string }[] }
  return JSON.stringify({ ...list, plugins: list.plugins.filter(({ type }) => type !== 'sluice-cni') })
}

async function uninstall(): Promise<CommandResult> {
  const pod = await kubectl('-n', SLUICE, 'get', 'pods', '-l', `app.kubernetes.io/name=${AGENT}`, '-o', 'name')
  const command = ['/usr/bin/node', '/sluice/main.js', 'uninstall']
  return await node.kubectl(['-n', SLUICE, 'exec', pod.trim(), '--', ...command])
}

/** Takes the agent off the node, or brings it back; Ready it gets only where it may install. */
async function agentRuns(runs: boolean): Promise<void> {
  const nodeSelector = runs ? null : { 'sluice-test/nowhere': 'true' }
  const patch = JSON.stringify({ spec: { template: { spec: { nodeSelector } } } })
  await kubectl('-n', SLUICE, 'patch', 'daemonset', AGENT, '--type=merge', '-p', patch)
  const phases = async (): Promise<string> =>
    await kubectl(
      '-n',
      SLUICE,
      'get',
      'pods',
      '-l',
      `app.kubernetes.io/name=${AGENT}`,
      '-o',
      'jsonpath={.items[*].status.phase}',
    )
  await waitFor(async () => (await phases()) === (runs ? 'Running' : ''), runs ? 'the agent runs' : 'the agent is gone')
}

test('a conflist that somebody overwrites gets its entry back, and the next pod is redirected', async () => {
  const bare = await withoutEntry()
  await write(CONFLIST, bare)
  await waitFor(async () => (await conflist()).includes('sluice-cni'), 'the entry is back')
  await apply(...inNamespace(SHOP, meshPod('web')))
  await ready(SHOP, 'web')
  assert.equal(await dial(SHOP, 'web', '203.0.113.5:80'), 'outbound was asked for 203.0.113.5:80')
  assert.match(await run('cat', '/var/run/sluice/installer-history.json'), /"repaired"/)
})

test('uninstalled under running pods, the node lets new ones pass and running ones end, and nothing is left after the last', async () => {
  const installed = await conflist()
  const first = await uninstall()
  assert.match(
    first.stdout,
    /taken out: 10-node\.conflist[^]*stays, and lets everything pass[^]*it was made with the plugin/,
  )
  assert.equal(first.code, 5, first.stderr)
  assert.doesNotMatch(await conflist(), /sluice-cni/)
  assert.equal(await dial(SHOP, 'web', '203.0.113.5:80'), 'outbound was asked for 203.0.113.5:80')

  await agentRuns(false)
  const bare = await conflist()
  // as a runtime that has not read the new one yet
  await write(CONFLIST, installed)
  await apply(...inNamespace(SHOP, meshPod('late')))
  await ready(SHOP, 'late')
  assert.notEqual(await dial(SHOP, 'late', '203.0.113.5:80'), 'outbound was asked for 203.0.113.5:80')
  await write(CONFLIST, bare)
  await apply(...inNamespace(SHOP, plainPod('plain')))
  await ready(SHOP, 'plain')
  await kubectl('-n', SHOP, 'delete', 'pod', 'web', 'late', '--timeout=90s')

  await agentRuns(true)
  assert.equal(await isThere(PLUGIN), true)
  // others that were made with the plugin, of the files before this one
  const namespaces = (await kubectl('get', 'namespaces', '-o', 'jsonpath={.items[*].metadata.name}')).split(' ')
  for (const name of namespaces.filter((one) => !one.startsWith('kube-') && one !== SLUICE))
    await kubectl('-n', name, 'delete', 'pods', '--all', '--timeout=90s')
  await waitFor(
    async () => (await uninstall()).code === 0,
    'nothing is left',
    async () => (await uninstall()).stdout,
  )
  assert.equal(await isThere(PLUGIN), false)
  assert.doesNotMatch(await conflist(), /sluice-cni/)
})
