import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { objectOr, objectsOf } from '../../src/core/json/value.ts'
import { SLUICE_IMAGE } from '../../scripts/cluster/node-images.ts'
import { apply, kubectl, makeNamespace, waitFor } from './cluster.ts'
import * as webhook from './webhook.ts'
import { AGENT, agentObjects, SLUICE } from './workloads.ts'

/** Agent, kubelet, API server and leader together: what the webhook decides follows what the node can do. */
const MESH = 'coordination'
const { READY, TAINT } = webhook
/** there is no such image, and it is not pulled: an agent that does not come up */
const ABSENT = 'test.local/absent:1'

let stopWebhook = (): Promise<void> => Promise.resolve()
before(async () => {
  await makeNamespace('istio-system')
  await makeNamespace(MESH, { 'istio-injection': 'enabled' })
  await apply(...agentObjects())
  await webhook.grace('10m')
  stopWebhook = await webhook.startWebhook()
})
after(async () => await stopWebhook())

const untilMarked = async (...expected: readonly string[]): Promise<void> =>
  await webhook.untilMarked(MESH, ...expected)
const untilDecided = async (mode: string, anywhere = false): Promise<void> =>
  await webhook.untilDecided(MESH, mode, anywhere)

async function agentIsOf(image: string): Promise<void> {
  const change = [{ op: 'replace', path: '/spec/template/spec/containers/0/image', value: image }]
  await kubectl('-n', SLUICE, 'patch', 'daemonset', AGENT, '--type=json', '-p', JSON.stringify(change))
}

test('an agent that is Ready has its node labelled, and pods get mode cni', async () => {
  await untilMarked(READY)
  await untilDecided('cni')
})

test('an agent that restarts within the grace changes no mark and no decision', async () => {
  const agent = await kubectl('-n', SLUICE, 'get', 'pods', '-o', 'jsonpath={.items[0].metadata.uid}')
  await kubectl('-n', SLUICE, 'delete', 'pods', '-l', `app.kubernetes.io/name=${AGENT}`, '--wait=false')
  let asked = 0
  const isAnother = async (): Promise<boolean> => {
    assert.deepEqual([await webhook.marks(), await webhook.decision(MESH)], [[READY], 'cni'])
    asked++
    const { items } = objectOr(JSON.parse(await kubectl('-n', SLUICE, 'get', 'pods', '-o', 'json')))
    return objectsOf(items).some(({ metadata, status }) => {
      const conditions = objectsOf(objectOr(status)['conditions'])
      const isReady = conditions.some((condition) => condition['type'] === 'Ready' && condition['status'] === 'True')
      return isReady && objectOr(metadata)['uid'] !== agent
    })
  }
  await waitFor(isAnother, 'another agent is Ready', async () => await webhook.webhookState(MESH))
  assert.ok(asked > 1, 'it was asked while no agent was Ready')
})

test('gone beyond the grace the label goes and the taint comes; back, both are as before', async () => {
  await webhook.grace('1s')
  await agentIsOf(ABSENT)
  await untilMarked(TAINT)
  await untilDecided('init', true)
  assert.equal(await webhook.decision(MESH), 'cni', 'the taint keeps this one for a node that is able')
  await agentIsOf(SLUICE_IMAGE)
  await untilMarked(READY)
  await untilDecided('cni')
})
