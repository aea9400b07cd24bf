import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { apply, dial, inNamespace, kubectl, makeNamespace, ready } from './cluster.ts'
import { AGENT, agentObjects, meshPod, plainPod, SLUICE } from './workloads.ts'

/** Kubelet, containerd, the plugin and an agent in a DaemonSet, not privileged: a pod's traffic goes to its proxy. */
const SHOP = 'shop'

before(async () => {
  await apply(...agentObjects())
  await kubectl('-n', SLUICE, 'rollout', 'status', `daemonset/${AGENT}`, '--timeout=120s')
  await makeNamespace(SHOP)
  await apply(...inNamespace(SHOP, meshPod('web'), plainPod('plain')))
})

test('what a promised pod sends and gets passes its proxy, and a pod without a promise is left alone', async () => {
  const [web, plain] = [await ready(SHOP, 'web'), await ready(SHOP, 'plain')]
  assert.equal(await dial(SHOP, 'web', '203.0.113.5:80'), 'outbound was asked for 203.0.113.5:80')
  assert.equal(await dial(SHOP, 'plain', `${web}:8080`), `inbound was asked for ${web}:8080`)
  assert.equal(await dial(SHOP, 'web', `${plain}:8080`), `outbound was asked for ${plain}:8080`)
  assert.equal(await dial(SHOP, 'plain', `${plain}:8080`), `app was asked for ${plain}:8080`)
})
