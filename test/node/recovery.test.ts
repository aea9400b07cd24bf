import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { helmProgram } from '../../scripts/chart/helm.ts'
import { apply, dial, inNamespace, kubectl, makeNamespace, node, ready, run, waitFor } from './cluster.ts'
import { chartArguments, pretendIstiod, removeChart } from './installation.ts'
import { AGENT, meshPod, plainPod, SLUICE } from './workloads.ts'

/** Sluice's agents were deleted, and the nodes still have plugin and entry: the one command of docs/uninstall.md, by a real helm. */
const SHOP = 'recovery'
const COMMAND =
  /^ {4}helm (upgrade --install .*)$/m.exec(readFileSync('docs/uninstall.md', 'utf8'))?.[1]?.split(' ') ?? []
const selector = `app.kubernetes.io/name=${AGENT}`

async function helm(...args: readonly string[]): Promise<void> {
  const homes = ['CACHE', 'CONFIG', 'DATA'].map((home) => `HELM_${home}_HOME=${node.directory}/helm`)
  await run('env', '-C', process.cwd(), ...homes, helmProgram(), ...args)
}

/** The agent alone is what a node waits for. */
const sets = chartArguments('webhook.replicaCount=1')

after(async () => {
  await node.exec(['env', `HELM_CACHE_HOME=${node.directory}/helm`, helmProgram(), 'uninstall', 'sluice', '-n', SLUICE])
  await kubectl('delete', 'namespace', SHOP, '--ignore-not-found', '--wait', '--timeout=120s')
  await removeChart()
})
before(async () => {
  await removeChart()
  await node.kubectl(['delete', `clusterrole/${AGENT}`, `clusterrolebinding/${AGENT}`, '--ignore-not-found'])
  await pretendIstiod()
  await makeNamespace(SHOP)
})

async function agentWorks(): Promise<void> {
  const state = async (): Promise<string> =>
    (await node.kubectl(['-n', SLUICE, 'describe', 'pods'])).stdout.slice(-4000)
  const status = ['-n', SLUICE, 'rollout', 'status', `daemonset/${AGENT}`, '--timeout=2s']
  await waitFor(async () => (await node.kubectl(status)).code === 0, 'the agent works', state)
}

const messages = async (name: string): Promise<string> => {
  const of = ['--field-selector', `involvedObject.name=${name}`, '-o', 'jsonpath={.items[*].message}']
  return await kubectl('-n', SHOP, 'get', 'events', ...of)
}

for (const [what, lose] of [
  ['its DaemonSet', async () => await kubectl('-n', SLUICE, 'delete', 'daemonset', AGENT, '--wait')],
  ['its namespace', async () => await kubectl('delete', 'namespace', SLUICE, '--wait', '--timeout=120s')],
] as const)
  test(`with ${what} deleted and nothing uninstalled, pods end and others start; the documented command brings the rest back`, async () => {
    const [running, waiting, free] = ['running', 'waiting', 'free'].map(
      (role) => `${role}-${what.slice(4, 8).toLowerCase()}`,
    )
    assert.ok(running !== undefined && waiting !== undefined && free !== undefined && COMMAND.length > 5)
    await helm(...COMMAND, ...sets)
    await agentWorks()
    await apply(...inNamespace(SHOP, meshPod(running)))
    await ready(SHOP, running)

    await lose()
    const agents = async (): Promise<string> => await kubectl('get', 'pods', '-A', '-l', selector, '-o', 'name')
    await waitFor(async () => (await agents()) === '', 'no agent is left')
    await apply(...inNamespace(SHOP, meshPod(waiting), plainPod(free)))
    await ready(SHOP, free)
    await waitFor(async () => (await messages(waiting)).includes('agent_away'), 'the event names the reason')
    await kubectl('-n', SHOP, 'delete', 'pod', running, '--timeout=90s')

    await helm(...COMMAND, ...sets)
    await agentWorks()
    await ready(SHOP, waiting)
    assert.equal(await dial(SHOP, waiting, '203.0.113.5:80'), 'outbound was asked for 203.0.113.5:80')
  })
